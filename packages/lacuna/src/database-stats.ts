import type { SqlStats } from "@lacuna/sqlite";
import type { SyncedReplicaStats } from "@lacuna/sync";
import { type PageStats, pageStats } from "./page-stats.ts";
import type { StorageFacts } from "./storage-options.ts";

/** What a database holds locally and what it has cost since it was opened. */
export interface DatabaseStats extends PageStats {
  /** Local transactions that the remote does not have. */
  readonly cdcOperations: number;
  /** Bytes of the local log, `PATH-wal`. */
  readonly mainWalSize: number;
  /** Always 0: the pages of the remote are never written over, so there is nothing to revert to. */
  readonly revertWalSize: number;
  /** Seconds since 1970; 0 before the first pull. */
  readonly lastPullUnixTime: number;
  /** Seconds since 1970; `null` before the first push. */
  readonly lastPushUnixTime: number | null;
  /** Pages that are different from those of the remote, or were when they were written. */
  readonly localPages: number;
  /** Bytes of local changes that the remote does not have. */
  readonly pendingBytes: number;
  /** Instances of SQLite, and how often they waited. */
  readonly sql: SqlStats;
  /** The storage of this site; absent where it has none of its own, as with files. */
  readonly storage: StorageFacts | undefined;
}

export function databaseStats(
  replica: SyncedReplicaStats,
  sql: SqlStats,
  storage?: StorageFacts,
): DatabaseStats {
  const { pager, lastPull, lastPush } = replica;
  return {
    ...pageStats(replica),
    cdcOperations: pager.pendingChanges,
    mainWalSize: pager.walBytes,
    revertWalSize: 0,
    lastPullUnixTime: lastPull ?? 0,
    lastPushUnixTime: lastPush ?? null,
    localPages: pager.overlayPages,
    pendingBytes: pager.pendingBytes,
    sql,
    storage,
  };
}
