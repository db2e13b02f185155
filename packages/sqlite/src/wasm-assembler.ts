/** The types of values that cross the border of a WebAssembly function. */
export const I32 = 0x7f;
export const I64 = 0x7e;
export const F64 = 0x7c;
export type ValueType = typeof I32 | typeof I64 | typeof F64;

/** Type of a function, written as in `i(iij)`: the result, then the parameters; `i` i32, `j` i64, `d` f64, `v` none. */
export type Signature = string;

export interface ImportedFunction {
  readonly name: string;
  readonly type: Signature;
}

export interface AssembledFunction {
  readonly name: string;
  readonly type: Signature;
  /** How many i32 locals follow the parameters. */
  readonly locals: number;
  /** Instructions without the final `end`. Function indexes count the imports first. */
  readonly code: readonly number[];
}

export interface ModulePlan {
  /** Functions imported from the module `e`. */
  readonly imports: readonly ImportedFunction[];
  /** Imports the memory `e.memory`. */
  readonly memory: boolean;
  readonly functions: readonly AssembledFunction[];
  /** Exports the imports too, under their own names: that makes functions fit for a table out of host functions. */
  readonly reexport: boolean;
}

const VALUE_TYPES: Readonly<Record<string, ValueType>> = { i: I32, j: I64, d: F64 };

/** Writes a small WebAssembly module. WebAssembly Core Specification, "Binary Format". */
export function assembleModule(plan: ModulePlan): Uint8Array<ArrayBuffer> {
  const { imports, functions } = plan;
  const importEntries = imports.map((entry, index) => [...name("e"), ...name(entry.name), 0, ...leb(index)]);
  if (plan.memory) importEntries.push([...name("e"), ...name("memory"), 2, 0, 0]);
  const exported = plan.reexport ? [...imports, ...functions] : functions;
  const firstExport = plan.reexport ? 0 : imports.length;
  return Uint8Array.from([
    ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
    ...section(1, [...imports, ...functions].map(functionType)),
    ...section(2, importEntries),
    ...section(
      3,
      functions.map((_, index) => leb(imports.length + index)),
    ),
    ...section(
      7,
      exported.map((entry, index) => [...name(entry.name), 0, ...leb(firstExport + index)]),
    ),
    ...section(10, functions.map(functionBody)),
  ]);
}

/** Unsigned LEB128. */
export function leb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  while (rest >= 0x80) {
    bytes.push((rest % 0x80) | 0x80);
    rest = Math.floor(rest / 0x80);
  }
  bytes.push(rest);
  return bytes;
}

/** Signed LEB128 of a 32-bit integer. */
export function sleb(value: number): number[] {
  const bytes: number[] = [];
  let rest = value | 0;
  for (;;) {
    const low = rest & 0x7f;
    rest >>= 7;
    const done = (rest === 0 && (low & 0x40) === 0) || (rest === -1 && (low & 0x40) !== 0);
    bytes.push(done ? low : low | 0x80);
    if (done) return bytes;
  }
}

function section(id: number, entries: readonly (readonly number[])[]): number[] {
  if (entries.length === 0) return [];
  const body = [...leb(entries.length), ...entries.flat()];
  return [id, ...leb(body.length), ...body];
}

function name(text: string): number[] {
  return [...leb(text.length), ...[...text].map((letter) => letter.charCodeAt(0))];
}

function functionType(entry: { readonly type: Signature }): number[] {
  const result = entry.type[0] === "v" ? [] : valueTypes(entry.type.slice(0, 1));
  const params = valueTypes(entry.type.slice(2, -1));
  return [0x60, ...leb(params.length), ...params, ...leb(result.length), ...result];
}

function valueTypes(letters: string): ValueType[] {
  return [...letters].map((letter) => {
    const type = VALUE_TYPES[letter];
    if (type === undefined) throw new TypeError(`BUG: no WebAssembly type is called "${letter}"`);
    return type;
  });
}

function functionBody(entry: AssembledFunction): number[] {
  const locals = entry.locals === 0 ? [0] : [1, ...leb(entry.locals), I32];
  const body = [...locals, ...entry.code, 0x0b];
  return [...leb(body.length), ...body];
}
