import type { SqlStats } from "@lacuna/sqlite";
import type { ReplicaStats } from "@lacuna/sync";

/** What a database holds locally and what it has cost since it was opened. */
export interface DatabaseStats {
  /** The remote's name for the state that is shown. */
  readonly revision: string;
  /** Bytes per page. */
  readonly pageSize: number;
  /** Pages of the database. */
  readonly pageCount: number;
  /** Pages held locally. */
  readonly residentPages: number;
  /** Requests sent, failed ones included. */
  readonly requests: number;
  /** Body bytes sent. */
  readonly networkSentBytes: number;
  /** Body bytes received. */
  readonly networkReceivedBytes: number;
  /** Pages by cause and use. */
  readonly cache: ReplicaStats["cache"];
  /** Instances of SQLite, and how often they waited. */
  readonly sql: SqlStats;
}

export function databaseStats(
  { shape, residentPages, traffic, cache }: ReplicaStats,
  sql: SqlStats,
): DatabaseStats {
  return {
    revision: shape.revision,
    pageSize: shape.pageSize,
    pageCount: shape.pageCount,
    residentPages,
    requests: traffic.requests,
    networkSentBytes: traffic.sentBytes,
    networkReceivedBytes: traffic.receivedBytes,
    cache,
    sql,
  };
}
