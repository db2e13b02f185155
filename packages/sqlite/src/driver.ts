import { LacunaError } from "@lacuna/page";

/** How SQLite waits for a page. */
export type DriverName = "jspi" | "restart";

/** A driver by name, or the best one the runtime has. */
export type DriverChoice = DriverName | "auto";

/**
 * How SQLite waits for a page that is not in memory.
 *
 * `jspi` suspends the WebAssembly stack (JavaScript Promise Integration); `restart` lets the statement fail, waits
 * outside of SQLite, and runs it again. Both give the same results.
 */
export interface Driver {
  readonly name: DriverName;
  /** Wraps an export that can reach a waiting import. */
  wrapExport<Values extends readonly unknown[]>(
    run: (...values: Values) => number,
  ): (...values: Values) => number | Promise<number>;
  /** Wraps a host function that may return a promise. */
  wrapImport(run: (...values: never[]) => unknown): WebAssembly.ImportValue;
}

/** The part of JavaScript Promise Integration that is not in the type declarations yet. */
interface PromiseIntegration {
  readonly Suspending?: new (run: (...values: never[]) => unknown) => WebAssembly.ImportValue;
  readonly promising?: <Values extends readonly unknown[]>(
    run: (...values: Values) => number,
  ) => (...values: Values) => Promise<number>;
}

/** True where this runtime can suspend WebAssembly. */
export function canSuspend(): boolean {
  const { Suspending, promising } = WebAssembly as PromiseIntegration;
  return typeof Suspending === "function" && typeof promising === "function";
}

/** @throws {LacunaError} `NOT_SUPPORTED` for `jspi` on a runtime without JavaScript Promise Integration */
export function chooseDriver(wanted: DriverChoice): Driver {
  if (wanted === "restart" || (wanted === "auto" && !canSuspend())) return RESTART;
  const { Suspending, promising } = WebAssembly as PromiseIntegration;
  if (Suspending === undefined || promising === undefined) {
    throw new LacunaError(
      "NOT_SUPPORTED",
      'driver "jspi" needs WebAssembly.Suspending, which this runtime lacks; leave the option at "auto"',
    );
  }
  return {
    name: "jspi",
    wrapExport: (run) => promising(run),
    wrapImport: (run) => new Suspending(run),
  };
}

const RESTART: Driver = {
  name: "restart",
  wrapExport: (run) => run,
  wrapImport: (run) => run as WebAssembly.ImportValue,
};
