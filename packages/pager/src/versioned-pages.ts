import { WAL_FRAME_HEADER_BYTES } from "@lacuna/btree/wal";
import { type AbortOptions, LacunaError, pageNo } from "@lacuna/page";
import type { CommitLog } from "./commit-log.ts";
import type { Frame } from "./local/overlay.ts";
import type { PagerSnapshot } from "./pager-snapshot.ts";
import type { Timers } from "./timers.ts";
import { type StagedPages, Transaction, withWalMode } from "./transaction.ts";
import type { Versions } from "./versions.ts";
import type { WriteSource, WriteTransaction } from "./write-source.ts";
import { WriterQueue } from "./writer-queue.ts";

/** Bytes of transactions in memory from which on a relaxed commit waits for the files. */
const MAX_QUEUED_BYTES = 8 << 20;

/** What writing needs. */
export interface Writing {
  readonly log: CommitLog;
  readonly durability: "durable" | "relaxed";
  readonly flushDelayMs: number;
  readonly timers: Timers;
  /** Called after each commit, before the next writer begins. Must not throw. */
  readonly afterCommit?: (() => Promise<void>) | undefined;
}

/** The versions of a database that has an overlay, and one writer at a time who makes the next. */
export class VersionedPages implements WriteSource {
  readonly #versions: Versions;
  readonly #writing: Writing;
  readonly #transactions = new Set<WriteTransaction>();
  readonly #queue = new WriterQueue();
  #timer: unknown;
  #flushFailed = false;

  constructor(versions: Versions, writing: Writing) {
    this.#versions = versions;
    this.#writing = writing;
  }

  /** True while a transaction is open. */
  get writing(): boolean {
    return this.#transactions.size > 0;
  }

  snapshot(): PagerSnapshot {
    return this.#versions.snapshot();
  }

  /** Waits until nobody writes. @returns what lets the next writer begin */
  turn(options?: AbortOptions): Promise<() => void> {
    return this.#queue.turn([this.#versions.closing, options?.signal]);
  }

  async begin(options?: AbortOptions): Promise<Transaction> {
    return this.transaction(await this.turn(options));
  }

  /** A transaction whose turn it is. */
  transaction(endTurn: () => void): Transaction {
    const transaction = new Transaction(this.snapshot(), {
      commit: (staged, over, change) => this.#commit(staged, over, change),
      ended: () => {
        this.#transactions.delete(transaction);
        endTurn();
      },
    });
    this.#transactions.add(transaction);
    return transaction;
  }

  /** Ends every snapshot, transaction and wait with `CLOSED`. */
  close(): void {
    this.#versions.close();
    for (const transaction of [...this.#transactions]) transaction.release();
    if (this.#timer !== undefined) this.#writing.timers.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #commit(
    { pages, pageCount, resized }: StagedPages,
    over: PagerSnapshot,
    change: Uint8Array | undefined,
  ): Promise<number> {
    this.#versions.closing.throwIfAborted();
    const { state } = this.#versions;
    if (pages.size === 0 && !resized && change === undefined) return state.version;
    const first = pageNo(1);
    const { overlay } = state;
    if (overlay === undefined) throw new Error("BUG: a commit without an overlay");
    // SQLite finds the log only through a page 1 that says so; and a commit needs a frame.
    if (!pages.has(first) && (pages.size === 0 || overlay.find(first, state.version) === undefined)) {
      if (pageCount === 0) throw new LacunaError("INVALID_OPTION", "a database without pages has no changes");
      pages.set(first, withWalMode(await over.read(first)));
    }
    await this.#makeRoom();
    const frames: Frame[] = [];
    let written = false;
    const entries = [...pages].sort(([a], [b]) => a - b);
    pages.clear();
    const { log, durability, afterCommit } = this.#writing;
    const transaction = log.enqueue(entries, pageCount, change, () => {
      written = true;
      for (const frame of frames) overlay.written(frame);
    });
    if (durability === "durable") await log.flushOrForget();
    else this.#flushLater();
    const version = this.#versions.replace({ ...state, pageCount });
    const frameBytes = WAL_FRAME_HEADER_BYTES + state.base.pageSize;
    for (const [i, page] of transaction.pages.entries()) {
      const offset = transaction.start + i * frameBytes + WAL_FRAME_HEADER_BYTES;
      const bytes = transaction.frames[i]?.subarray(WAL_FRAME_HEADER_BYTES);
      if (bytes !== undefined) frames.push(overlay.add(page, version, offset, bytes));
    }
    if (written) for (const frame of frames) overlay.written(frame);
    over.release();
    await afterCommit?.();
    return version;
  }

  /** A relaxed commit must not go on for ever without the files: it fails where they do. */
  async #makeRoom(): Promise<void> {
    const { log, durability } = this.#writing;
    if (durability === "durable") return;
    if (!this.#flushFailed && log.queuedBytes < MAX_QUEUED_BYTES) return;
    await log.flush();
    this.#flushFailed = false;
  }

  #flushLater(): void {
    const { log, timers, flushDelayMs } = this.#writing;
    this.#timer ??= timers.setTimeout(() => {
      this.#timer = undefined;
      log.flush().catch(() => {
        this.#flushFailed = true;
      });
    }, flushDelayMs);
  }
}
