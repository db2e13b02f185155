import { WAL_FRAME_HEADER_BYTES } from "@lacuna/btree/wal";
import { type AbortOptions, closedError, LacunaError, pageNo } from "@lacuna/page";
import type { BaseView } from "./base-view.ts";
import type { CommitLog } from "./commit-log.ts";
import type { Frame, Overlay } from "./local/overlay.ts";
import { type DatabaseState, PagerSnapshot, type SnapshotOwner } from "./pager-snapshot.ts";
import type { Timers } from "./timers.ts";
import { type StagedPages, Transaction, withWalMode } from "./transaction.ts";
import type { WriteSource, WriteTransaction } from "./write-source.ts";
import { WriterQueue } from "./writer-queue.ts";

/** Bytes of transactions in memory from which on a relaxed commit waits for the files. */
const MAX_QUEUED_BYTES = 8 << 20;

/** What writing needs. */
export interface Writing {
  readonly log: CommitLog;
  readonly overlay: Overlay;
  /** Pages of the database; `undefined`: as many as the base has. */
  readonly pageCount: number | undefined;
  readonly durability: "durable" | "relaxed";
  readonly flushDelayMs: number;
  readonly timers: Timers;
  /** Called after each commit, before the next writer begins. Must not throw. */
  readonly afterCommit?: (() => Promise<void>) | undefined;
}

/** The versions of a database: snapshots of them, and one writer at a time who makes the next. */
export class VersionedPages implements WriteSource {
  readonly #writing: Writing | undefined;
  readonly #open = new Set<PagerSnapshot>();
  readonly #transactions = new Set<WriteTransaction>();
  readonly #queue = new WriterQueue();
  readonly #closing = new AbortController();
  readonly #onStale: () => void;
  #state: DatabaseState;
  #timer: unknown;
  #flushFailed = false;

  /** @param onStale a reader of the newest state found out that the remote no longer serves its revision */
  constructor(base: BaseView, writing: Writing | undefined, onStale: () => void = () => {}) {
    this.#writing = writing;
    this.#onStale = onStale;
    const pageCount = writing?.pageCount ?? base.pageCount;
    this.#state = { version: 1, pageCount, base, overlay: writing?.overlay };
  }

  /** The newest state. */
  get state(): DatabaseState {
    return this.#state;
  }

  /** Aborts on close. */
  get closing(): AbortSignal {
    return this.#closing.signal;
  }

  /** Those that are held, of transactions too. */
  get openSnapshots(): ReadonlySet<PagerSnapshot> {
    return this.#open;
  }

  snapshot(): PagerSnapshot {
    this.#closing.signal.throwIfAborted();
    const owner: SnapshotOwner = {
      revisionChanged: ({ base }) => {
        // A snapshot of an earlier base finds out nothing new.
        if (base === this.#state.base) this.#onStale();
      },
      released: (released) => this.#open.delete(released),
    };
    const snapshot = new PagerSnapshot(this.#state, owner);
    this.#open.add(snapshot);
    return snapshot;
  }

  /** Waits until nobody writes. @returns what lets the next writer begin */
  turn(options?: AbortOptions): Promise<() => void> {
    return this.#queue.turn([this.#closing.signal, options?.signal]);
  }

  async begin(options?: AbortOptions): Promise<Transaction> {
    return this.transaction(await this.turn(options));
  }

  /** A transaction whose turn it is. */
  transaction(endTurn: () => void): Transaction {
    const writing = this.#writing;
    if (writing === undefined) {
      endTurn();
      throw new LacunaError("NOT_SUPPORTED", "this database has nowhere to write to");
    }
    const transaction = new Transaction(this.snapshot(), {
      commit: (staged, over, change) => this.#commit(writing, staged, over, change),
      ended: () => {
        this.#transactions.delete(transaction);
        endTurn();
      },
    });
    this.#transactions.add(transaction);
    return transaction;
  }

  /** Another base or another overlay makes another version. */
  replace(next: Omit<DatabaseState, "version">): void {
    this.#state = { ...next, version: this.#state.version + 1 };
  }

  /** Ends every snapshot, transaction and wait with `CLOSED`. */
  close(): void {
    this.#closing.abort(closedError("the pager"));
    for (const transaction of [...this.#transactions]) transaction.release();
    for (const snapshot of [...this.#open]) snapshot.release();
    if (this.#timer !== undefined) this.#writing?.timers.clearTimeout(this.#timer);
    this.#timer = undefined;
  }

  async #commit(
    writing: Writing,
    { pages, pageCount, resized }: StagedPages,
    over: PagerSnapshot,
    change: Uint8Array | undefined,
  ): Promise<number> {
    this.#closing.signal.throwIfAborted();
    const state = this.#state;
    if (pages.size === 0 && !resized && change === undefined) return state.version;
    const first = pageNo(1);
    const { overlay } = state;
    if (overlay === undefined) throw new Error("BUG: a commit without an overlay");
    // SQLite finds the log only through a page 1 that says so; and a commit needs a frame.
    if (!pages.has(first) && (pages.size === 0 || overlay.find(first, state.version) === undefined)) {
      if (pageCount === 0) throw new LacunaError("INVALID_OPTION", "a database without pages has no changes");
      pages.set(first, withWalMode(await over.read(first)));
    }
    await this.#makeRoom(writing);
    const frames: Frame[] = [];
    let written = false;
    const entries = [...pages].sort(([a], [b]) => a - b);
    pages.clear();
    const transaction = writing.log.enqueue(entries, pageCount, change, () => {
      written = true;
      for (const frame of frames) overlay.written(frame);
    });
    if (writing.durability === "durable") await writing.log.flushOrForget();
    else this.#flushLater(writing);
    const version = state.version + 1;
    const frameBytes = WAL_FRAME_HEADER_BYTES + state.base.pageSize;
    this.#state = { ...state, version, pageCount };
    for (const [i, page] of transaction.pages.entries()) {
      const offset = transaction.start + i * frameBytes + WAL_FRAME_HEADER_BYTES;
      const bytes = transaction.frames[i]?.subarray(WAL_FRAME_HEADER_BYTES);
      if (bytes !== undefined) frames.push(overlay.add(page, version, offset, bytes));
    }
    if (written) for (const frame of frames) overlay.written(frame);
    over.release();
    await writing.afterCommit?.();
    return version;
  }

  /** A relaxed commit must not go on for ever without the files: it fails where they do. */
  async #makeRoom({ log, durability }: Writing): Promise<void> {
    if (durability === "durable") return;
    if (!this.#flushFailed && log.queuedBytes < MAX_QUEUED_BYTES) return;
    await log.flush();
    this.#flushFailed = false;
  }

  #flushLater({ log, timers, flushDelayMs }: Writing): void {
    this.#timer ??= timers.setTimeout(() => {
      this.#timer = undefined;
      log.flush().catch(() => {
        this.#flushFailed = true;
      });
    }, flushDelayMs);
  }
}
