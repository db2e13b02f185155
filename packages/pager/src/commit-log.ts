import type { PageNo } from "@lacuna/page";
import type { WalTransaction } from "./local/wal-log.ts";

/** Where committed transactions go. */
export interface CommitLog {
  /** Bytes of transactions that are only in memory. */
  readonly queuedBytes: number;
  /** Puts a transaction behind those before it, in memory; the arrays must not change any more. */
  enqueue(
    pages: readonly (readonly [PageNo, Uint8Array])[],
    pageCount: number,
    change: Uint8Array | undefined,
    onWritten: () => void,
  ): WalTransaction;
  /** Writes what is queued, durably. What could not be written stays queued. */
  flush(): Promise<void>;
  /** The same, but what could not be written is forgotten. */
  flushOrForget(): Promise<void>;
}
