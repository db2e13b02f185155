import { type FileHandle, open, stat } from "node:fs/promises";
import { closedError, LacunaError, type PageRange, type Revision, rangesInOrder } from "@lacuna/page";
import type { OpenOptions, ServedView, ViewReadOptions, WaitOptions } from "../served-database.ts";
import { ChangeSignal } from "./change-signal.ts";
import { ChangeWatch } from "./change-watch.ts";
import { checkRanges } from "./check-ranges.ts";
import { Checkpointer } from "./checkpointer.ts";
import { type FileIdentity, identityOf, isFileAt } from "./file-identity.ts";
import { fileProof, fileStamp } from "./file-proof.ts";
import { type LineRevision, lineRevisionName, parseLineRevision } from "./history-line.ts";
import type { ResolvedHistoryOptions } from "./history-options.ts";
import { HistoryRecorder } from "./history-recorder.ts";
import { HistoryStore } from "./history-store.ts";
import { LockingImpossible, type ReadLock, ReadLocks } from "./read-lock.ts";
import { type FileState, StateReader } from "./state-reader.ts";
import { runInPauses, runNow } from "./steps.ts";
import { Turns } from "./turns.ts";

/** How many times its usual size a log may have before writers are kept out for its sake. */
const PATIENCE = 4;
const ATTEMPTS = 10;

export interface HistoryFileOptions extends ResolvedHistoryOptions {
  readonly busyTimeoutMs: number;
  /** What the history may grow to, in pages of 4096 bytes. */
  readonly maxStorePages?: number | undefined;
}

/** The newest recorded state, kept in place by a lock for as long as somebody reads from it. */
interface Held {
  readonly lock: ReadLock;
  readonly state: FileState;
  readonly revision: LineRevision;
  users: number;
}

/** What is open while a database is served. */
interface Parts {
  readonly path: string;
  readonly options: HistoryFileOptions;
  readonly identity: FileIdentity;
  /** See `FileProof`. */
  readonly proofHandle: FileHandle | undefined;
  readonly checkpointer: Checkpointer;
  readonly locks: ReadLocks;
  readonly reader: StateReader;
  readonly store: HistoryStore;
  readonly recorder: HistoryRecorder;
}

/**
 * A database file in WAL mode whose old revisions can be read.
 *
 * A read lock on the newest recorded state is held at all times: no commit behind it can leave the log before it is recorded, and
 * what the database file held before is still there to be kept. Once commits are recorded the lock moves on. Pages of any
 * revision are those of the state under the lock, with the images that the history has of pages changed since.
 */
export class HistoryFile {
  readonly #parts: Parts;
  readonly #turns = new Turns();
  readonly #changed = new ChangeSignal();
  readonly #watch: ChangeWatch;
  #held: Held;
  readonly #refreshed = this.#turns.shared(async () => {
    this.#checkOpen();
    await this.#follow();
    await this.#keepLogSmall();
  });
  /** The state that the last checkpoint was run for. */
  #checkpointed: Revision | undefined;
  /** The size of the log from which on writers are kept out. */
  #patienceBytes: number;
  #closed = false;

  private constructor(parts: Parts, held: Held) {
    this.#parts = parts;
    this.#held = held;
    this.#patienceBytes = PATIENCE * parts.options.checkpointBytes;
    this.#watch = new ChangeWatch(`${parts.path}-wal`, parts.options.pollMs, () => {
      // Whoever asks for the newest state next is told what went wrong.
      this.refresh().catch(() => {});
    });
    if (held.state.log === undefined) void this.#rememberBase();
  }

  static async open(path: string, options: HistoryFileOptions): Promise<HistoryFile> {
    // First of all: whoever may not have the history must not open, and close, files that its owner has locks on.
    await stat(path);
    const store = HistoryStore.open(`${path}-history`, options.maxStorePages);
    const closing: (() => unknown)[] = [() => store.discard()];
    try {
      const proof = await fileProof(path);
      closing.unshift(() => proof.handle?.close());
      const handle = await open(path, "r");
      const reader = new StateReader(path, handle);
      const locks = new ReadLocks(path);
      closing.unshift(
        () => locks.close(),
        () => reader.close(),
      );
      const checkpointer = new Checkpointer(path, options.busyTimeoutMs);
      closing.unshift(() => checkpointer.close());
      const lock = await takeLock(locks, performance.now() + options.busyTimeoutMs);
      const state = await reader.readState(true);
      const recorder = new HistoryRecorder(path, store, reader, options);
      await runInPauses(recorder.begin(state, proof));
      const owned = {
        identity: identityOf(handle),
        proofHandle: proof.handle,
        checkpointer,
        locks,
        reader,
        store,
        recorder,
      };
      const held = { lock, state, revision: recorder.newest, users: 0 };
      return new HistoryFile({ path, options, ...owned }, held);
    } catch (error) {
      for (const close of closing) await close();
      throw error;
    }
  }

  /** Whether the path still leads to this file. */
  isAt(path: string): boolean {
    return isFileAt(path, this.#parts.identity);
  }

  /** A view of the newest state, or of a revision that is kept. It stands in no writer's way. */
  async view({ revision, signal }: OpenOptions): Promise<ServedView> {
    signal?.throwIfAborted();
    if (revision === undefined) await this.refresh();
    signal?.throwIfAborted();
    return this.viewNow(revision);
  }

  /** A view of the newest recorded state, or of a revision that is kept, without a look at the files. */
  viewNow(revision: Revision | undefined): ServedView {
    this.#checkOpen();
    return this.#viewOf(revision === undefined ? this.#held.revision : this.#find(revision));
  }

  async waitForChange({ revision, timeoutMs, signal }: WaitOptions): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    await this.refresh();
    while (lineRevisionName(this.#held.revision) === revision) {
      const left = deadline - performance.now();
      if (left <= 0) return;
      this.#checkOpen();
      await this.#changed.wait(Math.min(left, 2 ** 31 - 1), signal);
    }
  }

  /** As `close`: the next file at the path needs the store. */
  retire(): Promise<void> {
    return this.close();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    // What is recorded now need not be proven when the file is served again.
    await this.refresh().catch(() => {});
    if (this.#parts.checkpointer.run() !== undefined) await this.#rememberBase();
    if (this.#closed) return;
    this.#closed = true;
    this.#watch.close();
    this.#changed.fail(closedError("the served file"));
    await this.#turns.run(async () => {
      const { checkpointer, store, locks, reader, proofHandle } = this.#parts;
      checkpointer.close();
      store.close();
      locks.close();
      await reader.close();
      await proofHandle?.close();
    });
  }

  #viewOf(revision: LineRevision): ServedView {
    const { pageSize } = this.#held.state;
    const { pageCount, madeMs } = revision;
    let open = true;
    return {
      revision: lineRevisionName(revision),
      pageSize,
      pageCount,
      modifiedMs: madeMs,
      read: async (ranges, { signal, into }: ViewReadOptions = {}) => {
        if (!open) throw closedError("the view");
        this.#checkOpen();
        signal?.throwIfAborted();
        checkRanges(ranges, pageCount);
        return this.#read(revision, ranges, into);
      },
      changedSince: (older) => this.#changedSince(older, revision),
      close: async () => {
        open = false;
      },
    };
  }

  async #read(
    revision: LineRevision,
    ranges: readonly PageRange[],
    into: Uint8Array<ArrayBuffer> | undefined,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { reader, store } = this.#parts;
    const held = this.#held;
    this.#checkKept(revision);
    held.users++;
    try {
      const isNewest = revision.number === held.revision.number;
      const images = isNewest ? [] : ranges.map((range) => store.imagesAt(revision.number, range));
      const bytes = await reader.readPages(held.state, ranges, into);
      let start = 0;
      images.forEach((found, i) => {
        const { first, last } = ranges[i] as PageRange;
        for (const [page, image] of found) bytes.set(image, start + (page - first) * image.length);
        start += (last - first + 1) * held.state.pageSize;
      });
      return bytes;
    } finally {
      this.#leave(held);
    }
  }

  #find(name: Revision): LineRevision {
    const newest = this.#held.revision;
    const wanted = parseLineRevision(name);
    if (wanted?.generation === newest.generation) {
      if (wanted.number === newest.number && wanted.tag === newest.tag) return newest;
      const found = wanted.number < newest.number ? this.#parts.store.revision(wanted.number) : undefined;
      if (found?.tag === wanted.tag) return { ...wanted, pageCount: found.pageCount, madeMs: found.madeMs };
    }
    throw gone(name, lineRevisionName(newest));
  }

  #checkKept(revision: LineRevision): void {
    const newest = this.#held.revision;
    const isKept = revision.number === newest.number || revision.number >= this.#parts.store.oldest;
    if (revision.generation === newest.generation && isKept) return;
    throw gone(lineRevisionName(revision), lineRevisionName(newest));
  }

  #changedSince(
    older: Revision,
    { generation, number, tag, pageCount }: LineRevision,
  ): PageRange[] | undefined {
    const from = parseLineRevision(older);
    if (from?.generation !== generation || this.#held.revision.generation !== generation) return undefined;
    if (from.number === number) return from.tag === tag ? [] : undefined;
    const { store } = this.#parts;
    if (from.number > number || store.revision(from.number)?.tag !== from.tag) return undefined;
    return rangesInOrder(store.changedBetween(from.number, number).filter((page) => page <= pageCount));
  }

  /** Records what was committed. Whoever calls it while another call has not begun shares that one. */
  refresh(): Promise<void> {
    return this.#refreshed();
  }

  /** Records the commits behind the held state, and moves the lock to the newest. */
  async #follow(): Promise<void> {
    const { locks, reader, recorder, options } = this.#parts;
    const lock = await takeLock(locks, performance.now() + options.busyTimeoutMs);
    try {
      const state = await reader.readState(true);
      const before = this.#held;
      const revision = await runInPauses(recorder.advance(before.state, state));
      this.#hold({ lock, state, revision, users: 0 });
      if (state.log === undefined && before.state.log !== undefined) void this.#rememberBase();
    } catch (error) {
      lock.release();
      throw error;
    }
  }

  #leave(held: Held): void {
    if (--held.users === 0 && held !== this.#held) held.lock.release();
  }

  /**
   * Writes the log back into the database when it has grown, and takes a lock that lets the next writer start the log again.
   * Where writers leave no moment for that, they are kept out for one.
   */
  async #keepLogSmall(): Promise<void> {
    const { options, checkpointer } = this.#parts;
    const { log, revision } = this.#held.state;
    const bytes = log?.commit.end ?? 0;
    if (bytes <= options.checkpointBytes || revision === this.#checkpointed) return;
    const complete = checkpointer.run() !== undefined;
    await this.#follow();
    if (complete && this.#held.state.revision === revision) return this.#noteCheckpoint();
    if (bytes <= this.#patienceBytes) return;
    // When somebody else reads from the log, keeping writers out does not help, and is not tried all the time.
    this.#patienceBytes = bytes + PATIENCE * options.checkpointBytes;
    for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
      if (checkpointer.withoutWriters(() => this.#checkpointNow())) return;
      await this.#follow();
    }
  }

  /**
   * Records the last commits and writes the whole log back, at once.
   * @returns false if somebody reads from the log
   */
  #checkpointNow(): boolean {
    const { checkpointer, locks, reader, recorder } = this.#parts;
    const before = this.#held;
    const lock = locks.takeNow();
    try {
      const state = reader.readStateNow(before.state);
      this.#hold({ lock, state, revision: runNow(recorder.advance(before.state, state)), users: 0 });
    } catch (error) {
      lock.release();
      throw error;
    }
    if (checkpointer.run() === undefined) return false;
    this.#hold({ ...this.#held, lock: locks.takeNow(), users: 0 });
    this.#noteCheckpoint();
    return true;
  }

  /** Moves on to a state whose commits are all recorded. */
  #hold(held: Held): void {
    const before = this.#held;
    this.#held = held;
    if (before.users === 0) before.lock.release();
    if (held.revision !== before.revision) this.#changed.tell();
  }

  #noteCheckpoint(): void {
    this.#patienceBytes = PATIENCE * this.#parts.options.checkpointBytes;
    this.#checkpointed = this.#held.state.revision;
    void this.#rememberBase();
  }

  /** After a whole checkpoint. While the lock is held, the file holds that revision and nothing newer. */
  async #rememberBase(): Promise<void> {
    const held = this.#held;
    held.users++;
    try {
      const stamp = await fileStamp(this.#parts.path);
      const { number, generation } = held.revision;
      if (stamp !== undefined && !this.#closed) this.#parts.recorder.rememberBase(number, generation, stamp);
    } catch {
      // It only means that less is proven after a crash.
    } finally {
      if (!this.#closed) this.#leave(held);
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError("the served file");
  }
}

async function takeLock(locks: ReadLocks, deadline: number): Promise<ReadLock> {
  try {
    return await locks.take(deadline, undefined);
  } catch (cause) {
    if (!(cause instanceof LockingImpossible)) throw cause;
    throw new LacunaError("STORAGE", `a history needs SQLite's locks: ${cause.message}`, { cause });
  }
}

function gone(name: string, newest: string): LacunaError {
  return new LacunaError(
    "REVISION_CHANGED",
    `revision ${name} is not served any more, the newest is ${newest}`,
  );
}
