import { type FileHandle, open, stat } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import {
  DATABASE_HEADER_BYTES,
  JOURNAL_HEADER_BYTES,
  parseDatabaseHeader,
  parseJournalHeader,
} from "@lacuna/btree";
import {
  closedError,
  countPages,
  type DatabaseShape,
  LacunaError,
  offsetOfPage,
  type PageNo,
  type PageRange,
  revision,
} from "@lacuna/page";
import type { ServedView } from "../served-database.ts";
import { isSameLog, LogFile, type LogState } from "./log-file.ts";
import { readAt } from "./read-at.ts";
import { LockingImpossible, type ReadLock, ReadLocks } from "./read-lock.ts";
import { Turns } from "./turns.ts";

export interface DatabaseFileOptions {
  readonly lock: boolean;
  readonly busyTimeoutMs: number;
}

/** A committed state of the file: which it is, and where its pages are. */
interface FileState extends DatabaseShape {
  readonly modifiedMs: number;
  /** True where SQLite uses a write-ahead log: then a lock held by a reader keeps no writer out. */
  readonly walMode: boolean;
  readonly log: LogState | undefined;
}

/** A state that is kept readable by a lock, for all views of it. */
interface Pin {
  readonly state: FileState;
  readonly lock: ReadLock;
  users: number;
}

/** File times do not tell apart what happens within this time. */
const CLOCK_TICK_MS = 20;
/** What an empty file is said to have: the page size SQLite would choose. */
const NOMINAL_PAGE_SIZE = 4096;

/**
 * One database file, read past SQLite but under SQLite's locks.
 *
 * In WAL mode a view holds a read lock until it is closed. In rollback mode that would keep writers out, so each read
 * takes the lock, looks whether the state is still that of the view, reads, and lets go. Without locks (`lock: false`, or
 * where SQLite cannot lock because it may not write) the state is looked at before and after each read.
 *
 * The file stays open until `close`: on POSIX systems, closing any handle of a file gives up all locks that the process
 * has on it, SQLite's among them.
 */
export class DatabaseFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #options: DatabaseFileOptions;
  readonly #locks: ReadLocks;
  readonly #log: LogFile;
  readonly #turns = new Turns();
  #lockless: boolean;
  #pin: Pin | undefined;
  #views = 0;
  #retired = false;
  #closed = false;

  private constructor(path: string, handle: FileHandle, options: DatabaseFileOptions) {
    this.#path = path;
    this.#handle = handle;
    this.#options = options;
    this.#lockless = !options.lock;
    this.#locks = new ReadLocks(path);
    this.#log = new LogFile(path);
  }

  static async open(path: string, options: DatabaseFileOptions): Promise<DatabaseFile> {
    return new DatabaseFile(path, await open(path, "r"), options);
  }

  /** Whether the path still leads to this file. */
  async isAt(path: string): Promise<boolean> {
    const [here, there] = await Promise.all([this.#handle.stat(), stat(path)]);
    return here.dev === there.dev && here.ino === there.ino;
  }

  /**
   * A view of the newest committed state.
   * @param deadline when to stop waiting for a lock, on the clock of `performance.now()`
   */
  view(deadline: number, signal: AbortSignal | undefined): Promise<ServedView> {
    return this.#turns.run(async () => {
      this.#checkOpen();
      signal?.throwIfAborted();
      const { size, mtimeMs } = await this.#handle.stat();
      if (size === 0) return this.#viewOf(emptyState(mtimeMs), undefined);
      if (this.#pin !== undefined) {
        // The lock that is held covers newer states too, but not for longer: a state gets a lock of its own.
        const state = await this.#readState();
        const pin = this.#stillPinned(state);
        if (pin !== undefined) return this.#viewOf(pin.state, pin);
      }
      const lock = await this.#lock(deadline, signal);
      let state: FileState;
      try {
        state = await this.#readState();
      } catch (error) {
        lock?.release();
        throw error;
      }
      if (lock !== undefined && state.walMode) {
        this.#pin = { state, lock, users: 0 };
        return this.#viewOf(state, this.#pin);
      }
      lock?.release();
      return this.#viewOf(state, undefined);
    });
  }

  /** Closes as soon as no view is open. */
  async retire(): Promise<void> {
    this.#retired = true;
    if (this.#views === 0) await this.close();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#turns.run(async () => {
      this.#locks.close();
      await Promise.all([this.#log.close(), this.#handle.close()]);
    });
  }

  /** The pin of a state, unless its last view was closed meanwhile. */
  #stillPinned({ revision: name }: FileState): Pin | undefined {
    return this.#pin?.state.revision === name ? this.#pin : undefined;
  }

  #viewOf(state: FileState, pin: Pin | undefined): ServedView {
    this.#views++;
    if (pin !== undefined) pin.users++;
    let open = true;
    const { revision: name, pageSize, pageCount, modifiedMs } = state;
    return {
      revision: name,
      pageSize,
      pageCount,
      modifiedMs,
      read: async (ranges, { signal } = {}) => {
        if (!open) throw closedError("the view");
        this.#checkOpen();
        signal?.throwIfAborted();
        for (const { first, last } of ranges) {
          if (first >= 1 && last >= first && last <= pageCount) continue;
          throw new RangeError(`pages 1 to ${pageCount} exist, got ${first} to ${last}`);
        }
        // An empty file must not be locked either: SQLite would delete a log that lies beside it.
        if (ranges.length === 0) return new Uint8Array(0);
        return pin === undefined ? this.#readInTurn(state, ranges, signal) : this.#readPages(state, ranges);
      },
      close: async () => {
        if (!open) return;
        open = false;
        if (pin !== undefined && --pin.users === 0) {
          if (this.#pin === pin) this.#pin = undefined;
          pin.lock.release();
        }
        if (--this.#views === 0 && this.#retired) await this.close();
      },
    };
  }

  /** Reads pages of a state that nothing keeps in place. */
  #readInTurn(
    state: FileState,
    ranges: readonly PageRange[],
    signal: AbortSignal | undefined,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const deadline = performance.now() + this.#options.busyTimeoutMs;
    return this.#turns.run(async () => {
      this.#checkOpen();
      signal?.throwIfAborted();
      const lock = await this.#lock(deadline, signal);
      try {
        await this.#checkUnchanged(state);
        const bytes = await this.#readPages(state, ranges);
        if (lock === undefined) await this.#checkUnchanged(state);
        return bytes;
      } finally {
        lock?.release();
      }
    });
  }

  async #checkUnchanged(state: FileState): Promise<void> {
    const { revision: found } = await this.#readState();
    if (found === state.revision) return;
    throw new LacunaError("REVISION_CHANGED", `revision ${state.revision} was replaced by ${found}`, {
      path: this.#path,
    });
  }

  /** @returns `undefined` where no lock can be had */
  async #lock(deadline: number, signal: AbortSignal | undefined): Promise<ReadLock | undefined> {
    if (this.#lockless) return undefined;
    try {
      return await this.#locks.take(deadline, signal);
    } catch (error) {
      if (!(error instanceof LockingImpossible)) throw error;
      this.#lockless = true;
      return undefined;
    }
  }

  async #readState(): Promise<FileState> {
    const bytes = new Uint8Array(DATABASE_HEADER_BYTES);
    const read = await readAt(this.#handle, bytes, 0, bytes.length, 0);
    const header = parseDatabaseHeader(bytes.subarray(0, read));
    const { pageSize } = header;
    const log = await this.#log.refresh();
    if (log.state !== undefined) {
      const { commit, header: logHeader, modifiedNs } = log.state;
      if (logHeader.pageSize !== pageSize) {
        const found = `the write-ahead log has pages of ${logHeader.pageSize} bytes, the database of ${pageSize}`;
        throw new LacunaError("CORRUPT_PAGE", found, { path: this.#path });
      }
      const words = [logHeader.salt1, logHeader.salt2, commit.frameCount, ...commit.checksum];
      return {
        revision: revision(`w-${words.map((word) => word.toString(36)).join("-")}`),
        pageSize,
        pageCount: commit.pageCount,
        modifiedMs: Number(modifiedNs / 1_000_000n),
        walMode: true,
        log: log.state,
      };
    }
    if (this.#lockless) await this.#refuseHotJournal();
    const { size, mtimeNs } = await this.#handle.stat({ bigint: true });
    const modifiedMs = Number(mtimeNs / 1_000_000n);
    const walMode = header.readVersion === 2 || log.exists;
    // Not every commit in WAL mode counts in the header. The time tells the others apart, once it is past.
    if (walMode && Math.abs(Date.now() - modifiedMs) < CLOCK_TICK_MS) await sleep(CLOCK_TICK_MS);
    const pageCount = header.pageCountIsValid ? header.pageCount : Math.ceil(Number(size) / pageSize);
    const words = [header.changeCounter, pageCount, mtimeNs];
    return {
      revision: revision(`f-${words.map((word) => word.toString(36)).join("-")}`),
      pageSize,
      pageCount,
      modifiedMs,
      walMode,
      log: undefined,
    };
  }

  async #refuseHotJournal(): Promise<void> {
    let journal: FileHandle;
    try {
      journal = await open(`${this.#path}-journal`, "r");
    } catch {
      return;
    }
    try {
      const bytes = new Uint8Array(JOURNAL_HEADER_BYTES);
      await readAt(journal, bytes, 0, bytes.length, 0);
      if (parseJournalHeader(bytes) === undefined) return;
    } finally {
      await journal.close();
    }
    throw new LacunaError(
      "STORAGE",
      "the journal beside the file must be played back, which needs write access",
      {
        path: this.#path,
      },
    );
  }

  async #readPages(state: FileState, ranges: readonly PageRange[]): Promise<Uint8Array<ArrayBuffer>> {
    const { pageSize, log } = state;
    const offsetInLog = (page: number): number | undefined => log?.offsets.get(page as PageNo);
    // Pages past the end of the file were never written because they are free: they are zeros, as SQLite has it.
    const bytes = new Uint8Array(countPages(ranges) * pageSize);
    let at = 0;
    let shortPage: PageNo | undefined;
    let usedLog = false;
    for (const { first, last } of ranges) {
      for (let page: number = first; page <= last; ) {
        const offset = offsetInLog(page);
        let end = page + 1;
        if (log !== undefined && offset !== undefined) {
          usedLog = true;
          const read = await readAt(log.handle, bytes, at, at + pageSize, offset);
          if (read < pageSize) shortPage = page as PageNo;
        } else {
          while (end <= last && offsetInLog(end) === undefined) end++;
          const to = at + (end - page) * pageSize;
          await readAt(this.#handle, bytes, at, to, offsetOfPage(page as PageNo, pageSize));
        }
        at += (end - page) * pageSize;
        page = end;
      }
    }
    if (log !== undefined && usedLog && !(await isSameLog(log))) {
      return this.#readPages({ ...state, log: undefined }, ranges);
    }
    if (shortPage !== undefined) {
      throw new LacunaError("SHORT_READ", `the write-ahead log ends before ${pageSize} bytes of the page`, {
        page: shortPage,
        path: this.#path,
      });
    }
    return bytes;
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError("the served file");
  }
}

function emptyState(modifiedMs: number): FileState {
  const shape = { revision: revision("empty"), pageSize: NOMINAL_PAGE_SIZE, pageCount: 0 };
  return { ...shape, modifiedMs, walMode: false, log: undefined };
}
