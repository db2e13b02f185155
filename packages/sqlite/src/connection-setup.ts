import type { WriteSource } from "@lacuna/pager";
import type { CapturedTransaction } from "./captured-transaction.ts";
import type { Driver } from "./driver.ts";
import type { Lineage } from "./lineage.ts";
import type { Follower, ReadCounters } from "./page-file.ts";
import type { Slicing } from "./slices.ts";
import type { View } from "./view.ts";

/** How every instance of a database handle is set up. */
export interface ConnectionSetup {
  readonly module: WebAssembly.Module;
  readonly driver: Driver;
  /** Bytes of SQLite's own page cache. */
  readonly cacheBytes: number;
  readonly doubleQuotedStrings: boolean;
  /** Statements that every instance runs when it is opened. */
  readonly settings: readonly string[];
  readonly counters: ConnectionCounters;
  readonly lineage: Lineage;
  /** Where and how to write; an instance without it only reads. */
  readonly writing?: Writing | undefined;
}

export interface Writing {
  readonly source: WriteSource;
  /** Makes a change for the source out of what a transaction did. What it throws makes the commit fail. */
  readonly capture?: ((transaction: CapturedTransaction) => Uint8Array | undefined) | undefined;
  /** Told of every commit that wrote. */
  readonly onCommit?: ((commit: Commit) => void) | undefined;
}

/** What a transaction changed. */
export interface Commit {
  /** Tables of the database that it may have changed rows of, or created, altered or dropped. */
  readonly tables: readonly string[];
}

/** Counts over the life of a database handle. */
export interface ConnectionCounters extends ReadCounters {
  /** Times a statement was run again because a page was missing. */
  restarts: number;
  /** Instances of SQLite made. */
  instances: number;
}

/** Under what a statement runs. */
export interface Circumstances {
  /** Ends the statement. */
  readonly signal: AbortSignal;
  /**
   * Ends the wait for a turn. Left out where `signal` aborts only when it ends every statement, also the one that has the
   * turn: thousands that wait would each have to listen to it.
   */
  readonly queueSignal?: AbortSignal | undefined;
  /** A view to read from, held for the caller, if no earlier one is still locked. */
  readonly view: () => Promise<View>;
  /** Told what the statement reads. */
  readonly follower?: Follower | undefined;
  /** @default as is usual for readers */
  readonly slicing?: Slicing | undefined;
}
