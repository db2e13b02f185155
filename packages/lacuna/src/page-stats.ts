import type { ReplicaStats } from "@lacuna/sync";

/** What a database holds locally and what it has cost since it was opened. */
export interface PageStats {
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
}

export function pageStats({ shape, residentPages, traffic, cache }: ReplicaStats): PageStats {
  return {
    revision: shape.revision,
    pageSize: shape.pageSize,
    pageCount: shape.pageCount,
    residentPages,
    requests: traffic.requests,
    networkSentBytes: traffic.sentBytes,
    networkReceivedBytes: traffic.receivedBytes,
    cache,
  };
}
