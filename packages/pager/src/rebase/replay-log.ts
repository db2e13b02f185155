import type { PageNo } from "@lacuna/page";
import type { CommitLog } from "../commit-log.ts";
import type { WalLog, WalTransaction } from "../local/wal-log.ts";

/** Takes what a replay commits: pages into a log that nobody sees yet, changes into memory. */
export class ReplayLog implements CommitLog {
  readonly queuedBytes = 0;
  /** The changes committed so far. */
  readonly changes: Uint8Array[] = [];
  readonly #wal: WalLog;
  #queue: { transaction: WalTransaction; change: Uint8Array | undefined; onWritten: () => void }[] = [];

  constructor(wal: WalLog) {
    this.#wal = wal;
  }

  enqueue(
    pages: readonly (readonly [PageNo, Uint8Array])[],
    pageCount: number,
    change: Uint8Array | undefined,
    onWritten: () => void,
  ): WalTransaction {
    const transaction = this.#wal.prepare(pages, pageCount);
    this.#queue.push({ transaction, change, onWritten });
    return transaction;
  }

  async flush(): Promise<void> {
    const queue = this.#queue;
    await this.#wal.write(queue.map(({ transaction }) => transaction));
    this.#queue = [];
    for (const { change, onWritten } of queue) {
      if (change !== undefined) this.changes.push(change);
      onWritten();
    }
  }

  async flushOrForget(): Promise<void> {
    try {
      await this.flush();
    } catch (error) {
      this.#queue = [];
      this.#wal.rewind();
      throw error;
    }
  }
}
