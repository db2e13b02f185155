import { LacunaError } from "@lacuna/page";
import type { Engine } from "./engine.ts";

/**
 * What can be bound to a parameter. A number that is a safe integer is bound as INTEGER (except -0), any other as REAL;
 * `true` and `false` as 1 and 0; `undefined` as NULL. A bigint must fit into 64 bits.
 */
export type SqlValue = null | undefined | number | bigint | string | boolean | Uint8Array | ArrayBuffer;

/** Values by name, with or without the `:`, `@` or `$` in front. */
export type NamedParameters = Readonly<Record<string, SqlValue>>;

/** Values in order; or one array of them; or one object of named values. */
export type Parameters = readonly SqlValue[] | readonly [readonly SqlValue[]] | readonly [NamedParameters];

/** Parameters of a statement as SQLite numbers them: the first one is at 0 here and 1 there. */
export type ParameterNames = readonly (string | undefined)[];

/**
 * Brings what a caller passed into the order of the statement's parameters.
 * @throws {LacunaError} `INVALID_OPTION` if a value is missing, superfluous or of another type
 */
export function resolveParameters(given: readonly unknown[], names: ParameterNames): readonly SqlValue[] {
  const first = given[0];
  if (given.length === 1 && isNamed(first)) return resolveNamed(first, names);
  const values: readonly unknown[] = given.length === 1 && Array.isArray(first) ? first : given;
  if (values.length !== names.length) {
    throw invalid(`the statement has ${count(names.length)}, got ${count(values.length, "value")}`);
  }
  return values.map((value, index) => checkValue(value, names[index] ?? `${index + 1}`));
}

/** What a caller passed, safe from what it does to its array or object later. Blobs are not copied. */
export function copyParameters(given: readonly unknown[]): readonly unknown[] {
  const [first] = given;
  if (given.length !== 1) return [...given];
  if (Array.isArray(first)) return [[...first]];
  return [isNamed(first) ? { ...first } : first];
}

function resolveNamed(given: Readonly<Record<string, unknown>>, names: ParameterNames): SqlValue[] {
  const used = new Set<string>();
  const values = names.map((name, index) => {
    if (name === undefined) {
      throw invalid(`parameter ${index + 1} of the statement has no name, so it cannot come from an object`);
    }
    const key = Object.hasOwn(given, name) ? name : name.slice(1);
    if (!Object.hasOwn(given, key)) throw invalid(`there is no value for the parameter ${name}`);
    used.add(key);
    return checkValue(given[key], name);
  });
  for (const key of Object.keys(given)) {
    if (!used.has(key)) throw invalid(`the statement has no parameter "${key}"`);
  }
  return values;
}

function isNamed(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return false;
  return !(value instanceof ArrayBuffer) && !ArrayBuffer.isView(value);
}

function checkValue(value: unknown, name: string): SqlValue {
  switch (typeof value) {
    case "undefined":
    case "string":
    case "number":
    case "boolean":
      return value;
    case "bigint":
      if (BigInt.asIntN(64, value) === value) return value;
      throw invalid(`parameter ${name}: ${value} does not fit into 64 bits`);
    case "object":
      if (value === null || value instanceof Uint8Array || value instanceof ArrayBuffer) return value;
  }
  throw invalid(
    `parameter ${name}: expected null, a number, bigint, string, boolean, Uint8Array or ArrayBuffer, ` +
      `got ${Object.prototype.toString.call(value)}`,
  );
}

function invalid(message: string): LacunaError {
  return new LacunaError("INVALID_OPTION", message);
}

function count(amount: number, noun = "parameter"): string {
  return `${amount} ${noun}${amount === 1 ? "" : "s"}`;
}

/** SQLite makes its own copy of the bytes. */
const SQLITE_TRANSIENT = -1;

/** @returns a result code */
export function bindParameters(engine: Engine, statement: number, values: readonly SqlValue[]): number {
  for (let index = 0; index < values.length; index++) {
    const result = bindValue(engine, statement, index + 1, values[index]);
    if (result !== 0) return result;
  }
  return 0;
}

function bindValue({ sqlite, heap }: Engine, statement: number, index: number, value: SqlValue): number {
  if (value === null || value === undefined) return sqlite.sqlite3_bind_null(statement, index);
  switch (typeof value) {
    case "number":
      if (!Number.isSafeInteger(value) || Object.is(value, -0)) {
        return sqlite.sqlite3_bind_double(statement, index, value);
      }
      if ((value | 0) === value) return sqlite.sqlite3_bind_int(statement, index, value);
      return sqlite.sqlite3_bind_int64(statement, index, BigInt(value));
    case "bigint":
      return sqlite.sqlite3_bind_int64(statement, index, value);
    case "boolean":
      return sqlite.sqlite3_bind_int(statement, index, value ? 1 : 0);
  }
  // UTF-8 needs at most three bytes for each UTF-16 code unit.
  const capacity = typeof value === "string" ? value.length * 3 : value.byteLength;
  const pointer = sqlite.malloc(capacity + 1) >>> 0;
  if (pointer === 0) return 7;
  try {
    if (typeof value === "string") {
      const written = heap.writeText(value, pointer, capacity) ?? 0;
      return sqlite.sqlite3_bind_text(statement, index, pointer, written, SQLITE_TRANSIENT);
    }
    heap.bytes.set(value instanceof Uint8Array ? value : new Uint8Array(value), pointer);
    return sqlite.sqlite3_bind_blob(statement, index, pointer, capacity, SQLITE_TRANSIENT);
  } finally {
    sqlite.free(pointer);
  }
}
