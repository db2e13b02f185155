import type { AbortOptions, PageSource, PrefetchSource } from "@lacuna/page";

/** A consistent view of a database: its pages never change while it is held. */
export interface Snapshot extends PageSource {
  /**
   * Which state of the database it is. Two snapshots of one pager with the same version show the same bytes; every
   * commit, rebase and re-pin makes a state with a higher one.
   */
  readonly version: number;
  /** Gives the view up. Reading afterwards fails with `CLOSED`. Calling it again is harmless. */
  release(): void;
}

/** A snapshot that can be told what will be wanted next. Prefetching does nothing once it is released. */
export interface PrefetchSnapshot extends Snapshot, PrefetchSource {}

/** Where SQL gets its view from. */
export interface SnapshotSource {
  /**
   * A view of the newest state. Synchronous unless the replica first has to move to another revision because the remote
   * dropped the one it was pinned to, or is moving; whoever keeps SQLite's caches must drop them when `version` differs.
   * @throws {LacunaError} `CLOSED` after close
   */
  snapshot(options?: AbortOptions): Snapshot | Promise<Snapshot>;
}
