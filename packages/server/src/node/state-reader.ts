import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { DATABASE_HEADER_BYTES, parseDatabaseHeader } from "@lacuna/btree";
import { JOURNAL_HEADER_BYTES, parseJournalHeader } from "@lacuna/btree/journal";
import {
  countPages,
  type DatabaseShape,
  LacunaError,
  offsetOfPage,
  type PageNo,
  type PageRange,
  pagesOf,
  revision,
} from "@lacuna/page";
import { type BegunLog, isSameLog, LogFile, type LogState } from "./log-file.ts";
import { readAt, readAtNow, readFewAt } from "./read-at.ts";

/** A committed state of the file: which it is, and where its pages are. */
export interface FileState extends DatabaseShape {
  readonly modifiedMs: number;
  /** True where SQLite uses a write-ahead log: then a lock held by a reader keeps no writer out. */
  readonly walMode: boolean;
  readonly log: LogState | undefined;
  /** The log that has a header, also while it holds no transaction yet. */
  readonly begunLog: BegunLog | undefined;
}

/** File times do not tell apart what happens within this time. */
const CLOCK_TICK_MS = 20;
/** What an empty file is said to have: the page size SQLite would choose. */
const NOMINAL_PAGE_SIZE = 4096;

/** Finds out which state a database file and its write-ahead log hold, and reads pages of it. */
export class StateReader {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #log: LogFile;

  /** @param handle of the database file; closed together with the reader */
  constructor(path: string, handle: FileHandle) {
    this.#path = path;
    this.#handle = handle;
    this.#log = new LogFile(path);
  }

  /**
   * The newest committed state. Call it one at a time.
   * @param locked whether a read lock is held; only then is the answer certain
   */
  async readState(locked: boolean): Promise<FileState> {
    const bytes = new Uint8Array(DATABASE_HEADER_BYTES);
    const read = await readAt(this.#handle, bytes, 0, bytes.length, 0);
    const header = parseDatabaseHeader(bytes.subarray(0, read));
    const { pageSize } = header;
    const log = await this.#log.refresh(locked);
    if (log.state !== undefined) return this.#loggedState(log.state, pageSize);
    if (!locked) await this.#refuseHotJournal();
    const { size, mtimeNs, ino } = await this.#handle.stat({ bigint: true });
    const modifiedMs = Number(mtimeNs / 1_000_000n);
    const walMode = header.readVersion === 2 || log.exists;
    // Not every commit in WAL mode counts in the header. The time tells the others apart, once it is past.
    const toWaitMs = modifiedMs + CLOCK_TICK_MS - Date.now();
    if (walMode && toWaitMs > 0 && toWaitMs <= 2 * CLOCK_TICK_MS) await sleep(toWaitMs);
    const pageCount = header.pageCountIsValid ? header.pageCount : Math.ceil(Number(size) / pageSize);
    // A file that takes another's place may have come within the same tick of the clock; its identity is another.
    const words = [header.changeCounter, pageCount, mtimeNs, ino];
    return {
      revision: revision(`f-${words.map((word) => word.toString(36)).join("-")}`),
      pageSize,
      pageCount,
      modifiedMs,
      walMode,
      log: undefined,
      begunLog: log.begun,
    };
  }

  /**
   * The newest committed state, at once, while writers are kept out.
   * @param before a state that was read under a lock held since
   */
  readStateNow(before: FileState): FileState {
    const log = this.#log.refreshNow();
    return log === undefined ? before : this.#loggedState(log, before.pageSize);
  }

  /** As `readPages`, at once, for a state whose log is kept from being started again. */
  readPagesNow({ pageSize, log }: FileState, ranges: readonly PageRange[]): Uint8Array<ArrayBuffer> {
    const bytes = new Uint8Array(countPages(ranges) * pageSize);
    let at = 0;
    for (const page of pagesOf(ranges)) {
      const offset = log?.offsets.get(page);
      const handle = log !== undefined && offset !== undefined ? log.handle : this.#handle;
      readAtNow(handle, bytes, at, at + pageSize, offset ?? offsetOfPage(page, pageSize));
      at += pageSize;
    }
    return bytes;
  }

  #loggedState(log: LogState, pageSize: number): FileState {
    const { commit, header, modifiedNs } = log;
    if (header.pageSize !== pageSize) {
      const found = `the write-ahead log has pages of ${header.pageSize} bytes, the database of ${pageSize}`;
      throw new LacunaError("CORRUPT_PAGE", found, { path: this.#path });
    }
    const words = [header.salt1, header.salt2, commit.frameCount, ...commit.checksum];
    return {
      revision: revision(`w-${words.map((word) => word.toString(36)).join("-")}`),
      pageSize,
      pageCount: commit.pageCount,
      modifiedMs: Number(modifiedNs / 1_000_000n),
      walMode: true,
      log,
      begunLog: log,
    };
  }

  /** The bytes of the pages, one behind the other, of a state that still is in place. */
  async readPages(
    state: FileState,
    ranges: readonly PageRange[],
    into?: Uint8Array<ArrayBuffer>,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const { pageSize, log } = state;
    const offsetInLog = (page: number): number | undefined => log?.offsets.get(page as PageNo);
    const bytes = into ?? new Uint8Array(countPages(ranges) * pageSize);
    let at = 0;
    let shortPage: PageNo | undefined;
    let usedLog = false;
    for (const { first, last } of ranges) {
      for (let page: number = first; page <= last; ) {
        const offset = offsetInLog(page);
        let end = page + 1;
        if (log !== undefined && offset !== undefined) {
          usedLog = true;
          const read = await readFewAt(log.handle, bytes, at, at + pageSize, offset);
          if (read < pageSize) shortPage = page as PageNo;
        } else {
          while (end <= last && offsetInLog(end) === undefined) end++;
          const to = at + (end - page) * pageSize;
          const read = await readFewAt(this.#handle, bytes, at, to, offsetOfPage(page as PageNo, pageSize));
          // Pages past the end of the file were never written because they are free: they are zeros, as SQLite has it.
          bytes.fill(0, at + read, to);
        }
        at += (end - page) * pageSize;
        page = end;
      }
    }
    if (log !== undefined && usedLog && !(await isSameLog(log))) {
      return this.readPages({ ...state, log: undefined }, ranges, bytes);
    }
    if (shortPage !== undefined) {
      throw new LacunaError("SHORT_READ", `the write-ahead log ends before ${pageSize} bytes of the page`, {
        page: shortPage,
        path: this.#path,
      });
    }
    return bytes;
  }

  async close(): Promise<void> {
    await Promise.all([this.#log.close(), this.#handle.close()]);
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
}

/** The state of a file of no bytes: a database nobody has written to yet. */
export function emptyState(modifiedMs: number): FileState {
  const shape = { revision: revision("empty"), pageSize: NOMINAL_PAGE_SIZE, pageCount: 0 };
  return { ...shape, modifiedMs, walMode: false, log: undefined, begunLog: undefined };
}
