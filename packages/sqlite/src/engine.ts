import type { Driver } from "./driver.ts";
import { Heap } from "./heap.ts";
import { hostImports } from "./host-imports.ts";
import { linkRowPacker, type PackRows } from "./row-packer.ts";
import type { SqliteExports } from "./sqlite-exports.ts";
import { assembleModule, type Signature } from "./wasm-assembler.ts";

/** The first pages of memory the official build asks for, in units of 64 KiB, and the most it can have. */
const INITIAL_MEMORY_PAGES = 128;
const MAX_MEMORY_PAGES = 32_768;

/** A host function for C code to call. `waits` says that it may return a promise where the driver can suspend SQLite. */
export interface Callback {
  readonly type: Signature;
  readonly run: (...values: never[]) => number | bigint | Promise<number> | undefined;
  readonly waits?: boolean;
}

/** The functions that can reach a page, and so may have to wait: promises where the driver suspends SQLite. */
export interface WaitingCalls {
  readonly open: (...values: Parameters<SqliteExports["sqlite3_open_v2"]>) => number | Promise<number>;
  readonly prepare: (...values: Parameters<SqliteExports["sqlite3_prepare_v3"]>) => number | Promise<number>;
  readonly changeset: (
    ...values: Parameters<SqliteExports["sqlite3session_changeset"]>
  ) => number | Promise<number>;
  readonly packRows: (...values: Parameters<PackRows>) => number | Promise<number>;
}

/** One instance of SQLite: its own memory, its own everything. */
export interface Engine {
  readonly sqlite: SqliteExports;
  readonly waiting: WaitingCalls;
  readonly heap: Heap;
  /** Makes C function pointers out of host functions. They live as long as the instance. */
  install(callbacks: Readonly<Record<string, Callback>>): Readonly<Record<string, number>>;
}

/** Makes an instance out of the compiled module. */
export async function instantiateEngine(module: WebAssembly.Module, driver: Driver): Promise<Engine> {
  const { memory, heap, imports } = prepare();
  return engineOf(await WebAssembly.instantiate(module, imports), memory, heap, driver);
}

/** The same at once, for those who are wanted in this very turn. */
export function instantiateEngineNow(module: WebAssembly.Module, driver: Driver): Engine {
  const { memory, heap, imports } = prepare();
  return engineOf(new WebAssembly.Instance(module, imports), memory, heap, driver);
}

function prepare(): { memory: WebAssembly.Memory; heap: Heap; imports: WebAssembly.Imports } {
  const memory = new WebAssembly.Memory({ initial: INITIAL_MEMORY_PAGES, maximum: MAX_MEMORY_PAGES });
  const heap = new Heap(memory);
  return { memory, heap, imports: hostImports(memory, () => heap) };
}

function engineOf(
  instance: WebAssembly.Instance,
  memory: WebAssembly.Memory,
  heap: Heap,
  driver: Driver,
): Engine {
  const sqlite = instance.exports as unknown as SqliteExports;
  sqlite.__wasm_call_ctors();
  const packRows = linkRowPacker(sqlite, memory);
  return {
    sqlite,
    heap,
    waiting: {
      open: driver.wrapExport(sqlite.sqlite3_open_v2),
      prepare: driver.wrapExport(sqlite.sqlite3_prepare_v3),
      changeset: driver.wrapExport(sqlite.sqlite3session_changeset),
      packRows: driver.wrapExport(packRows),
    },
    install: (callbacks) => installCallbacks(sqlite.__indirect_function_table, callbacks, driver),
  };
}

/** Host functions become WebAssembly functions by passing through a module, and C pointers by entering the table. */
function installCallbacks(
  table: WebAssembly.Table,
  callbacks: Readonly<Record<string, Callback>>,
  driver: Driver,
): Record<string, number> {
  const entries = Object.entries(callbacks);
  const bytes = assembleModule({
    imports: entries.map(([name, { type }]) => ({ name, type })),
    memory: false,
    functions: [],
    reexport: true,
  });
  const imports: Record<string, WebAssembly.ImportValue> = {};
  for (const [name, { run, waits }] of entries) imports[name] = waits === true ? driver.wrapImport(run) : run;
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), { e: imports });
  const first = table.grow(entries.length);
  const pointers: Record<string, number> = {};
  for (const [index, [name]] of entries.entries()) {
    table.set(first + index, exports[name]);
    pointers[name] = first + index;
  }
  return pointers;
}
