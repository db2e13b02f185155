import type { LacunaError, PageStore, PrefetchSource } from "@lacuna/page";
import type { LocalLog } from "./local/local-log.ts";
import type { RecoveredWal } from "./local/wal-log.ts";
import type { Timers } from "./timers.ts";

/** The pages below the local ones, at one revision. */
export interface PagerBase {
  /** Those of the store it was made for, and of the remote. */
  readonly source: PrefetchSource;
  /**
   * Ends it: every wait fails with the code of `error`, and when it resolves it no longer touches the store. Must not
   * reject. Called again it does nothing.
   */
  end(error: LacunaError): Promise<void>;
}

/** Makes the base of a store as it is: of the revision, page size and page count of its shape. */
export type MakeBase = (store: PageStore) => PagerBase | Promise<PagerBase>;

/** What a pager that can be written to has besides a base. */
export interface LocalSide {
  readonly store: PageStore;
  readonly log: LocalLog;
  readonly wal: RecoveredWal;
  readonly base: PagerBase;
  readonly makeBase: MakeBase;
  readonly durability: "durable" | "relaxed";
  readonly flushDelayMs: number;
  readonly checkpointBytes: number;
  readonly memoryPages: number;
  readonly timers: Timers;
}
