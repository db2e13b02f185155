import {
  type AbortOptions,
  closedError,
  Flight,
  LacunaError,
  LOCAL_REVISION,
  type PageEntry,
  type PageNo,
  PageSet,
} from "@lacuna/page";
import type { BaseView } from "./base-view.ts";
import type { LocalLog, StepEvents } from "./local/local-log.ts";
import { Overlay } from "./local/overlay.ts";
import { JOURNAL_HEADER_BYTES } from "./local/pull-journal.ts";
import type { RecoveredWal } from "./local/wal-log.ts";
import { windowFile } from "./local/window-file.ts";
import type { LocalSide, PagerBase } from "./local-side.ts";
import { writeCompacted } from "./rebase/compact.ts";
import { prepareStep } from "./rebase/prepare-step.ts";
import type { RebaseStep } from "./rebase-step.ts";
import { Repinning, type RepinningOptions } from "./repinning.ts";
import { RetiredBase } from "./retired-base.ts";
import type { PrefetchSnapshot } from "./snapshot.ts";
import { VersionedPages } from "./versioned-pages.ts";
import { type NextState, stateOf, Versions } from "./versions.ts";
import type { ChangeRecord, WriteSource, WriteTransaction } from "./write-source.ts";

/** What a pager holds now and has done since it was opened. */
export interface PagerStats {
  /** Bytes of `PATH-wal`. */
  readonly walBytes: number;
  /** Different pages in it. */
  readonly overlayPages: number;
  /** Changes that are not settled, and their bytes. */
  readonly pendingChanges: number;
  readonly pendingBytes: number;
  /** Bytes of relaxed commits that are not durable yet. */
  readonly queuedBytes: number;
  /** How often commits were made durable, however many at once. */
  readonly flushes: number;
  readonly checkpoints: number;
  readonly rebases: number;
  readonly openSnapshots: number;
}

/**
 * Snapshots of a database and transactions on it, and what it takes to move to another revision of the remote: a read
 * that fails with `REVISION_CHANGED` marks the base as stale, and the next snapshot is of the newest revision. Snapshots
 * never change; those of a stale base go on showing what is resident and fail with `REVISION_CHANGED` where it is not.
 *
 * Where the remote cannot be reached, snapshots go on being of the stale base, and what is resident can be read.
 */
export class Pager implements WriteSource {
  readonly #local: LocalSide;
  readonly #versions: Versions;
  readonly #pages: VersionedPages;
  readonly #repinning: Repinning;
  #base: PagerBase;
  /** Resolves, never rejects, when the step that is being done has ended. */
  #moving: Promise<void> | undefined;
  #rebases = 0;
  #checkpoints = 0;
  #closed: Promise<void> | undefined;

  /**
   * @internal `openPager` makes one
   * @throws {LacunaError} `INVALID_OPTION` for an option out of range
   */
  constructor(local: LocalSide, repinning: Omit<RepinningOptions, "closing">) {
    this.#local = local;
    this.#base = local.base;
    this.#versions = new Versions(this.#stateOver(local.base, local.wal), () => this.#repinning.markStale());
    this.#pages = new VersionedPages(this.#versions, { ...local, afterCommit: () => this.#afterCommit() });
    this.#repinning = new Repinning({ ...repinning, closing: this.#versions.closing });
  }

  /** Snapshots that are held, those of transactions included. */
  get openSnapshots(): number {
    return this.#versions.openSnapshots.size;
  }

  stats(): PagerStats {
    const { log } = this.#local;
    return {
      walBytes: log.walBytes,
      overlayPages: this.#versions.state.overlay?.size ?? 0,
      pendingChanges: log.pendingCount,
      pendingBytes: log.pendingBytes,
      queuedBytes: log.queuedBytes,
      flushes: log.flushes,
      checkpoints: this.#checkpoints,
      rebases: this.#rebases,
      openSnapshots: this.openSnapshots,
    };
  }

  /**
   * A promise only where the replica is moving to another revision, or has to move first: beside a transaction it cannot
   * move, and what the transaction's owner reads there must not wait for its end, so that shows the stale base.
   * @throws {LacunaError} `CLOSED` after close; from the promise also what kept the replica from moving on, unless the
   *   remote cannot be reached
   * @throws `options.signal.reason` from the promise if aborted
   */
  snapshot(options?: AbortOptions): PrefetchSnapshot | Promise<PrefetchSnapshot> {
    this.#versions.closing.throwIfAborted();
    const isDue = this.#repinning.due && !this.#pages.writing;
    if (!isDue && !this.#isMoving()) return this.#pages.snapshot();
    return this.#becomeCurrent(options).then(() => this.#pages.snapshot());
  }

  async begin(options?: AbortOptions): Promise<WriteTransaction> {
    const { log } = this.#local;
    this.#versions.closing.throwIfAborted();
    if (this.#repinning.due || this.#isMoving()) await this.#becomeCurrent(options);
    const endTurn = await this.#pages.turn(options);
    try {
      if (log.broken) await log.repair();
    } catch (error) {
      endTurn();
      throw error;
    }
    return this.#pages.transaction(endTurn);
  }

  /** Makes relaxed commits durable. */
  async flush(): Promise<void> {
    await this.#local.log.flush();
  }

  /** Committed changes that are not settled yet, oldest first. */
  async pendingChanges(): Promise<readonly ChangeRecord[]> {
    return await this.#local.log.pending();
  }

  /** How many changes are pending. */
  get pendingCount(): number {
    return this.#local.log.pendingCount;
  }

  /** Bytes of the changes that are pending. */
  get pendingBytes(): number {
    return this.#local.log.pendingBytes;
  }

  /** These changes are not pending any more: the remote has them, or they are given up. Durable when it resolves. */
  async settleChanges(ids: readonly number[]): Promise<void> {
    await this.#local.log.settle(ids);
  }

  /**
   * Moves the base to another revision and replays local changes over it, as one step that happens or does not, also
   * across a crash. Writers wait. Snapshots that are held go on showing the old state: pages of it that are replaced are
   * kept for them in memory, and those that were not resident fail with `REVISION_CHANGED`.
   *
   * If the files fail after the step was made durable, it rejects, and the step is finished before the next snapshot or
   * transaction, or when the replica is opened again.
   * @throws what the step, its `replay` or the base reported, and `options.signal.reason` if aborted: then everything is
   *   as it was
   * @throws {LacunaError} `STORAGE`, `STORAGE_FULL`, `CLOSED`
   */
  async rebase(step: RebaseStep, options?: AbortOptions): Promise<void> {
    const { log } = this.#local;
    const endTurn = await this.#pages.turn(options);
    try {
      if (log.broken) await log.repair();
      await this.#move(step, options?.signal);
      this.#repinning.markCurrent();
      this.#rebases++;
    } finally {
      endTurn();
    }
  }

  /**
   * Makes `PATH-wal` as short as it can be: the newest bytes of each local page once. Of a database without a remote the
   * pages move to `PATH`. Waits for its turn among the writers; never uses the network.
   * @throws {LacunaError} `STORAGE`, `STORAGE_FULL`, `CLOSED`
   */
  async checkpoint(options?: AbortOptions): Promise<void> {
    const { log } = this.#local;
    const endTurn = await this.#pages.turn(options);
    try {
      if (log.broken) await log.repair();
      await this.#checkpoint();
    } finally {
      endTurn();
    }
  }

  /**
   * Makes relaxed commits durable, releases every snapshot, rolls transactions back and ends every wait with `CLOSED`.
   * Resolves when nothing is going on any more. Calling it again is harmless.
   * @throws {LacunaError} `STORAGE`, `STORAGE_FULL` if relaxed commits could not be made durable; it is closed then too
   */
  close(): Promise<void> {
    this.#closed ??= this.#finish();
    return this.#closed;
  }

  async #finish(): Promise<void> {
    this.#pages.close();
    await this.#repinning.ended;
    await this.#moving;
    try {
      await this.#local.log.close();
    } finally {
      await this.#base.end(closedError("the pager"));
    }
  }

  #isMoving(): boolean {
    return this.#moving !== undefined || this.#local.log.unfinished;
  }

  async #becomeCurrent(options: AbortOptions | undefined): Promise<void> {
    const signal = options?.signal;
    if (this.#repinning.due) await this.#repinning.moveOn(signal);
    const moving = this.#moving;
    if (moving !== undefined) await new Flight(() => moving).join(signal);
    if (this.#local.log.unfinished) await this.#local.log.repair();
    signal?.throwIfAborted();
  }

  #stateOver({ source }: PagerBase, wal: RecoveredWal): NextState {
    const overlay = new Overlay(wal.log.file, wal.log.header.pageSize, this.#local.memoryPages);
    overlay.load(wal.offsets, 0);
    return { ...stateOf(source), overlay, pageCount: wal.pageCount ?? source.pageCount };
  }

  async #afterCommit(): Promise<void> {
    const { log, checkpointBytes } = this.#local;
    const { base, overlay } = this.#versions.state;
    // What a checkpoint writes anew: the log of changes, too.
    const live = (overlay?.size ?? 0) * base.pageSize + log.pendingBytes;
    const worthIt = log.walBytes > checkpointBytes && log.walBytes > 2 * live;
    // SQLite takes a log beside an empty file for one left over, and removes it.
    const hidden = base.revision === LOCAL_REVISION && base.pageCount === 0;
    if (!worthIt && !hidden) return;
    // The commit is done. Whatever a failure leaves is repaired before the next one.
    await this.#checkpoint().catch(() => {});
  }

  async #checkpoint(): Promise<void> {
    const { log } = this.#local;
    await log.flush();
    const { overlay, pageCount, base } = this.#versions.state;
    if (overlay === undefined || log.walBytes === 0) return;
    if (base.revision === LOCAL_REVISION) {
      const keep = new PageSet();
      for (let page = 1; page <= Math.min(pageCount, base.pageCount); page++) keep.add(page as PageNo);
      const shape = { ...base.shape, pageCount };
      await this.#move({ shape, keep, pages: pagesOf(overlay, pageCount), settled: [] }, undefined);
    } else if (!(await this.#compact(overlay, pageCount))) return;
    this.#checkpoints++;
  }

  /** @returns false if there was nothing to gain */
  async #compact(overlay: Overlay, pageCount: number): Promise<boolean> {
    const { log } = this.#local;
    const frames = overlay.newest(pageCount);
    if (frames.length === log.walFrames) return false;
    const { revision, pageSize } = this.#versions.state.base;
    await log.beginStep();
    const salts = log.newSalts();
    const start = JOURNAL_HEADER_BYTES;
    const window = windowFile(log.journal, start);
    const none = { start: 0, length: 0 };
    const { offsets, length } = await abandonOnFailure(log, () =>
      writeCompacted(overlay, frames, window, { pageSize, salts, pageCount }),
    );
    await log.replace(
      { move: none, pages: none, wal: { start, length } },
      { salts, revision },
      { settled: new Set(), added: [] },
      {
        onCommit: () => overlay.move(window, offsets),
        onDone: () => overlay.moveAsItIs(log.walFile),
      },
    );
    return true;
  }

  async #move(step: RebaseStep, signal: AbortSignal | undefined): Promise<void> {
    const local = this.#local;
    const { log } = local;
    const { closing } = this.#versions;
    const prepared = await abandonOnFailure(log, async () => {
      const done = await prepareStep(local, step, closing);
      signal?.throwIfAborted();
      closing.throwIfAborted();
      return done;
    });
    const events: StepEvents = {
      onCommit: () => this.#leave(step, prepared.replaced),
      onDone: async (wal) => {
        // Only a cache of what the remote has.
        await local.store.put(prepared.fetched).catch(() => {});
        const base = await local.makeBase(local.store);
        this.#base = base;
        this.#versions.replace(this.#stateOver(base, wal));
      },
    };
    const { revision } = step.shape;
    const moving = log.replace(
      prepared.sections,
      { salts: prepared.salts, revision },
      { settled: new Set(step.settled), added: prepared.added },
      events,
    );
    const ended = moving.catch(() => {});
    this.#moving = ended;
    try {
      await moving;
    } finally {
      this.#moving = undefined;
    }
  }

  /** Keeps what snapshots may still want of the state before a step, and ends its base. May be called again. */
  async #leave({ shape, keep }: RebaseStep, replaced: Iterable<PageNo>): Promise<void> {
    const { store } = this.#local;
    const { state } = this.#versions;
    const staying = new PageSet(keep);
    for (const page of replaced) staying.delete(page);
    if (shape.pageSize !== state.base.pageSize) staying.clear();
    const views = new Set<BaseView>();
    for (const snapshot of this.#versions.openSnapshots) {
      if (snapshot.state !== undefined) views.add(snapshot.state.base);
    }
    const retired: RetiredBase[] = [];
    for (const view of views) {
      if (!(view.source instanceof RetiredBase)) view.replace(new RetiredBase(view.shape, store));
      if (view.source instanceof RetiredBase) retired.push(view.source);
    }
    const { revision } = shape;
    await this.#base.end(new LacunaError("REVISION_CHANGED", `the replica moves on to revision ${revision}`));
    for (const each of retired) await each.preserve(staying);
    await state.overlay?.retire();
  }
}

/** What fails before a step is durable leaves nothing behind. */
async function abandonOnFailure<T>(log: LocalLog, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await log.abandon().catch(() => {});
    throw error;
  }
}

async function* pagesOf(overlay: Overlay, pageCount: number): AsyncGenerator<readonly PageEntry[]> {
  const frames = overlay.newest(pageCount);
  for (let start = 0; start < frames.length; start += 64) {
    const batch: PageEntry[] = [];
    for (const frame of frames.slice(start, start + 64)) {
      batch.push({ page: frame.page, bytes: await overlay.read(frame) });
    }
    yield batch;
  }
}
