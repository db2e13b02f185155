import { LacunaError } from "@lacuna/page";
import type { SnapshotSource, WriteSource } from "@lacuna/pager";
import type { Writing } from "./connection-setup.ts";
import type { DriverChoice } from "./driver.ts";
import type { WasmSource } from "./load-wasm.ts";
import type { Timers } from "./reader-pool.ts";

export interface SqliteOptions {
  /** Where the pages come from, and go to if it can be written to. It is not closed with the handle. */
  readonly source: SnapshotSource | WriteSource;
  /**
   * SQLite's WebAssembly: the file `@sqlite.org/sqlite-wasm/sqlite3.wasm` compiled, as bytes, or by its address.
   * @default the installed one, which Node, Deno and Bun find by themselves
   */
  readonly wasm?: WasmSource | undefined;
  /**
   * How SQLite waits for a page. `jspi` suspends it, `restart` runs the statement again; `auto` takes `jspi` where the
   * runtime can.
   * @default "auto"
   */
  readonly driver?: DriverChoice | undefined;
  /**
   * Instances of SQLite for reading outside of transactions, at most. They are made when statements run at the same time;
   * of those beyond them the short ones share one more, the others queue. From 1 to 64. Driver `restart` needs only one.
   * @default 4
   */
  readonly readers?: number | undefined;
  /**
   * After how many milliseconds without work the readers beyond the first are released.
   * @default 10000
   */
  readonly readerIdleMilliseconds?: number | undefined;
  /**
   * Bytes of page cache of each instance, from 65536 to 268435456.
   * @default 2097152
   */
  readonly cacheBytes?: number | undefined;
  /**
   * Take a "double-quoted" name that does not exist for a string, as old programs expect.
   * @default false
   */
  readonly doubleQuotedStrings?: boolean | undefined;
  /**
   * Whether INTEGER comes as bigint unless a statement says otherwise.
   * @default false
   */
  readonly safeIntegers?: boolean | undefined;
  /**
   * When a statement misses a page, run it ahead of itself over the pages that are here, and ask for those it will want
   * next. Takes effect where the source can be told so.
   * @default true
   */
  readonly runAhead?: boolean | undefined;
  /** @default those of the runtime, which do not keep a program running */
  readonly timers?: Timers | undefined;
  /**
   * Called with what a transaction did, after it, before it is committed to a source that takes pages. What it returns
   * is handed to the source as the change; what it throws makes the transaction fail.
   * @default nothing is recorded
   */
  readonly capture?: Writing["capture"];
  /** Called after each commit of this handle that may have changed something. Must not throw. */
  readonly onCommit?: Writing["onCommit"];
  /**
   * Milliseconds on a clock that never goes back, to keep running ahead within its time.
   * @default performance.now
   */
  readonly now?: (() => number) | undefined;
  /** Ends the opening with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}

export interface ResolvedOptions {
  readonly source: SnapshotSource | WriteSource;
  readonly wasm: WasmSource | undefined;
  readonly driver: DriverChoice;
  readonly readers: number;
  readonly readerIdleMilliseconds: number;
  readonly cacheBytes: number;
  readonly doubleQuotedStrings: boolean;
  readonly safeIntegers: boolean;
  readonly runAhead: boolean;
  readonly timers: Timers;
  readonly capture: Writing["capture"];
  readonly onCommit: Writing["onCommit"];
  readonly now: () => number;
  readonly signal: AbortSignal | undefined;
}

const KNOWN: ReadonlySet<string> = new Set([
  "source",
  "wasm",
  "driver",
  "readers",
  "readerIdleMilliseconds",
  "cacheBytes",
  "doubleQuotedStrings",
  "safeIntegers",
  "runAhead",
  "timers",
  "capture",
  "onCommit",
  "now",
  "signal",
]);

/** @throws {LacunaError} `INVALID_OPTION` for an option that is unknown or out of range */
export function resolveOptions(options: SqliteOptions): ResolvedOptions {
  for (const name of Object.keys(options)) {
    if (!KNOWN.has(name)) throw new LacunaError("INVALID_OPTION", `openSqlite has no option "${name}"`);
  }
  const driver = options.driver ?? "auto";
  if (!["auto", "jspi", "restart"].includes(driver)) {
    throw new LacunaError("INVALID_OPTION", `driver must be "auto", "jspi" or "restart", got "${driver}"`);
  }
  return {
    source: options.source,
    wasm: options.wasm,
    driver,
    readers: within("readers", options.readers ?? 4, 1, 64),
    readerIdleMilliseconds: within(
      "readerIdleMilliseconds",
      options.readerIdleMilliseconds ?? 10_000,
      0,
      2 ** 31 - 1,
    ),
    cacheBytes: within("cacheBytes", options.cacheBytes ?? 2_097_152, 65_536, 268_435_456),
    doubleQuotedStrings: options.doubleQuotedStrings ?? false,
    safeIntegers: options.safeIntegers ?? false,
    runAhead: options.runAhead ?? true,
    timers: options.timers ?? RUNTIME_TIMERS,
    capture: options.capture,
    onCommit: options.onCommit,
    now: options.now ?? (() => performance.now()),
    signal: options.signal,
  };
}

function within(name: string, value: number, least: number, most: number): number {
  if (Number.isInteger(value) && value >= least && value <= most) return value;
  throw new LacunaError(
    "INVALID_OPTION",
    `${name} must be an integer from ${least} to ${most}, got ${value}`,
  );
}

const RUNTIME_TIMERS: Timers = {
  setTimeout: (run, milliseconds) => {
    const timer: unknown = setTimeout(run, milliseconds);
    if (typeof timer === "object" && timer !== null && "unref" in timer && typeof timer.unref === "function")
      timer.unref();
    return timer;
  },
  clearTimeout: (timer) => clearTimeout(timer as ReturnType<typeof setTimeout>),
};
