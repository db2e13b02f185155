import { LacunaError, type PageNo, pageNo, type ReadTask } from "@lacuna/page";
import type { WriteTransaction } from "@lacuna/pager";
import type { DriverName } from "./driver.ts";
import type { Engine } from "./engine.ts";
import type { Lineage } from "./lineage.ts";
import {
  SQLITE_BUSY,
  SQLITE_IOERR,
  SQLITE_IOERR_SHORT_READ,
  SQLITE_OK,
  SQLITE_READONLY,
} from "./result-code.ts";
import { LOCK_NONE, LOCK_RESERVED, registerVfs } from "./vfs.ts";
import { type View, wrongLength } from "./view.ts";

/** The name of the one database file there is. */
export const FILE_NAME = "/lacuna";

/** What became of the reads of one attempt at running something. */
export interface ReadOutcome {
  /** A page that has to be fetched before the next attempt. Driver `restart` only. */
  readonly missing: PageNo | undefined;
  /** SQLite would write, and the view takes no pages. */
  readonly wantsWriter: boolean;
  /** Why a page could not be read. */
  readonly failure: { readonly error: unknown } | undefined;
}

/** Counts, added up over the life of a database handle. */
export interface ReadCounters {
  /** Reads that had to wait for a page. */
  waits: number;
}

/** Follows what one execution reads. */
export interface Follower extends ReadTask {
  /**
   * The execution has to wait for a page. Told in the turn in which the page is asked for.
   * @param steps of SQLite's virtual machine that will be taken again when the page is here
   * @throws what the execution is to fail with instead of waiting
   */
  missed(page: PageNo, view: View, steps: number): void;
  /** It asks for what it will want next. */
  readonly planned: boolean;
  /** The execution has a page, whether it waited or not. A restart comes to its pages again. */
  reached(page: PageNo): void;
  /** The execution is over, however it ended. Calling it again is harmless. */
  end(): void;
}

/** What one attempt may read from, and how it may be ended. */
export interface Attempt {
  /** Where to read from unless SQLite still holds a lock on the view of an earlier attempt. */
  readonly view: View | undefined;
  readonly signal: AbortSignal;
  /** Copies of pages this execution already waited for: a restart must find them even if they were evicted since. */
  readonly waitedFor: Map<PageNo, Uint8Array>;
  readonly follower?: Follower | undefined;
}

export interface PageFileOptions {
  readonly driver: DriverName;
  readonly counters: ReadCounters;
  readonly lineage: Lineage;
  /** Whether views that take pages will be given. */
  readonly writable: boolean;
}

/**
 * The database file as one instance of SQLite sees it: its bytes those of a view, which also takes what is written.
 * Registered as the VFS of the instance.
 *
 * SQLite keeps pages between transactions for as long as the header says that nothing changed. That is relied on, also
 * across states that do not follow from one another by commits: when the view shows such a one, the change counter and
 * the schema cookie are shown moved by an amount that makes them differ from those shown before; what SQLite writes is
 * moved back. The bytes 18 and 19, the journal mode, are shown as 1 (rollback). Where a database is written to that cuts
 * off freed pages with each commit, it is shown as one that does so when asked: cutting moves pages, which may have to be
 * waited for, and SQLite cannot take a commit up again in the middle. File Format, "The Database Header".
 */
export class PageFile {
  readonly #engine: Engine;
  readonly #driver: DriverName;
  readonly #counters: ReadCounters;
  readonly #lineage: Lineage;
  readonly #writable: boolean;
  #lock = LOCK_NONE;
  #isOpen = false;
  #attempt: Attempt | undefined;
  /** The view read from: of the attempt, or, while a lock is held, of the attempt that took it. */
  #view: View | undefined;
  #missing: PageNo | undefined;
  #failure: { readonly error: unknown } | undefined;
  #wantsWriter = false;
  #committed = false;
  /** What SQLite knows of the header, and what is added to the stored numbers to get it. */
  #shown: { lineage: number | undefined; counter: number; cookie: number } | undefined;
  #counterShift = 0;
  #cookieShift = 0;

  constructor(engine: Engine, options: PageFileOptions) {
    this.#engine = engine;
    this.#driver = options.driver;
    this.#counters = options.counters;
    this.#lineage = options.lineage;
    this.#writable = options.writable;
    registerVfs(engine, FILE_NAME, {
      writable: options.writable,
      read: (target, length, offset) => {
        try {
          return this.#read(target, length, offset);
        } catch (error) {
          return this.#fail(error);
        }
      },
      size: () => this.#size(),
      write: (source, length, offset) => this.#change(() => this.#write(source, length, offset)),
      truncate: (bytes) => this.#change((writer) => writer.truncate(bytes / writer.pageSize)),
      lock: (level) => this.#moveLock(level),
      committed: () => {
        this.#committed = true;
      },
      open: () => {
        if (this.#isOpen) return false;
        this.#isOpen = true;
        return true;
      },
      close: () => {
        this.#isOpen = false;
        this.#lock = LOCK_NONE;
      },
    });
  }

  /** The view SQLite holds a lock on: an open transaction or cursor reads from it, and so must everything else. */
  get lockedView(): View | undefined {
    return this.#lock === LOCK_NONE ? undefined : this.#view;
  }

  /** Bytes per page of what is read from now. */
  get pageSize(): number | undefined {
    return this.#view?.snapshot.pageSize;
  }

  /** True if a read of the attempt under way, or of the last one, found no page. */
  get lacksPage(): boolean {
    return this.#missing !== undefined || this.#failure !== undefined;
  }

  /** Until `end`, reads are served. */
  begin(attempt: Attempt): void {
    this.#attempt = attempt;
    this.#missing = undefined;
    this.#failure = undefined;
    this.#wantsWriter = false;
    if (this.#lock !== LOCK_NONE || attempt.view === undefined) return;
    attempt.view.retain();
    this.#view?.release();
    this.#view = attempt.view;
    this.#committed = false;
    this.#show(attempt.view);
  }

  /** Another view of the same bytes is read from, and written to if it takes pages, though SQLite holds a lock. */
  exchange(view: View): void {
    view.retain();
    this.#view?.release();
    this.#view = view;
    this.#committed = false;
  }

  /** Differs when the schema may differ from one that was seen between other transactions. */
  get schemaKey(): string {
    const view = this.#view;
    if (view === undefined) return "";
    return `${this.#lineage.of(view.snapshot.version)}/${view.header?.schemaCookie ?? 0}`;
  }

  /** The view that takes pages, if SQLite reads from one. */
  get writer(): View | undefined {
    return this.#view?.writer === undefined ? undefined : this.#view;
  }

  /** SQLite is in the middle of a transaction that writes. */
  get writing(): boolean {
    return this.#lock >= LOCK_RESERVED;
  }

  /** SQLite committed what it wrote to the view. */
  get committed(): boolean {
    return this.#committed;
  }

  /** Gives the view up unless SQLite kept a lock, or it takes pages: then its transaction has to be ended first. */
  end(): ReadOutcome {
    this.#attempt = undefined;
    this.settle();
    return { missing: this.#missing, failure: this.#failure, wantsWriter: this.#wantsWriter };
  }

  /** Gives the view up if SQLite holds no lock any more and nothing is running. */
  settle(): void {
    if (this.#view?.writer === undefined) this.leave();
  }

  /** The same for a view of any kind. */
  leave(): void {
    if (this.#lock !== LOCK_NONE || this.#attempt !== undefined) return;
    this.#view?.release();
    this.#view = undefined;
  }

  /** Has SQLite load everything anew with the next view it takes: pages, schema, statistics. */
  distrust(): void {
    if (this.#shown !== undefined) this.#shown = { ...this.#shown, lineage: undefined };
  }

  /** Gives the view up although SQLite holds a lock, when the database is closed with statements open. */
  abandon(): void {
    this.#lock = LOCK_NONE;
    this.leave();
  }

  #show({ snapshot, header }: View): void {
    const lineage = this.#lineage.of(snapshot.version);
    const counter = header?.changeCounter ?? 0;
    const cookie = header?.schemaCookie ?? 0;
    if (this.#shown !== undefined && this.#shown.lineage !== lineage) {
      this.#counterShift = (this.#shown.counter + 1 - counter) | 0;
      this.#cookieShift = (this.#shown.cookie + 1 - cookie) | 0;
    }
    this.#shown = {
      lineage,
      counter: (counter + this.#counterShift) | 0,
      cookie: (cookie + this.#cookieShift) | 0,
    };
  }

  #size(): bigint | undefined {
    const snapshot = this.#view?.snapshot;
    return snapshot === undefined ? undefined : BigInt(snapshot.pageSize) * BigInt(snapshot.pageCount);
  }

  #read(target: number, length: number, offset: number): number | Promise<number> {
    const view = this.#view;
    if (view === undefined) return this.#fail(new Error("BUG: SQLite reads while nothing is running"));
    const { pageSize, pageCount } = view.snapshot;
    const index = Math.floor(offset / pageSize);
    const within = offset - index * pageSize;
    const here = Math.min(length, pageSize - within);
    if (index >= pageCount) {
      this.#engine.heap.bytes.fill(0, target, target + length);
      return SQLITE_IOERR_SHORT_READ;
    }
    const page = pageNo(index + 1);
    const next = () => {
      this.#attempt?.follower?.reached(page);
      return here === length ? SQLITE_OK : this.#read(target + here, length - here, offset + here);
    };
    if (here === pageSize && view.snapshot.copyTo?.(page, this.#engine.heap.bytes, target) === true) {
      if (page === 1) this.#patchHeader(this.#engine.heap.bytes, target, 0, pageSize);
      return next();
    }
    const bytes = view.snapshot.peek(page) ?? this.#attempt?.waitedFor.get(page);
    if (bytes !== undefined) {
      const result = this.#copy(bytes, page, target, within, here, pageSize);
      return result === SQLITE_OK ? next() : result;
    }
    // After a miss or a failure SQLite is on its way out: it must not set more reads going.
    if (this.#missing !== undefined || this.#failure !== undefined) return SQLITE_BUSY;
    if (this.#driver === "restart" || this.#attempt === undefined) {
      this.#missing = page;
      return SQLITE_BUSY;
    }
    const { signal, follower } = this.#attempt;
    this.#counters.waits++;
    follower?.missed(page, view, 0);
    return view.snapshot
      .read(page, { signal, task: follower, planned: follower?.planned })
      .then((fetched) => {
        const result = this.#copy(fetched, page, target, within, here, pageSize);
        return result === SQLITE_OK ? next() : result;
      })
      .catch((error: unknown) => this.#fail(error));
  }

  #moveLock(level: number): number {
    if (level >= LOCK_RESERVED && this.#view?.writer === undefined) {
      this.#wantsWriter = true;
      return SQLITE_BUSY;
    }
    this.#lock = level;
    return SQLITE_OK;
  }

  #change(run: (writer: WriteTransaction) => void): number {
    const writer = this.#view?.writer;
    if (writer === undefined) return this.#writable ? SQLITE_IOERR : SQLITE_READONLY;
    try {
      run(writer);
      return SQLITE_OK;
    } catch (error) {
      // Unlike with a read, nothing else than the end of the transaction makes this good.
      this.#fail(error);
      return SQLITE_IOERR;
    }
  }

  #write(source: number, length: number, offset: number): void {
    const view = this.#view;
    if (view?.writer === undefined) return;
    const { pageSize } = view.writer;
    if (length !== pageSize || offset % pageSize !== 0) {
      throw new LacunaError(
        "NOT_SUPPORTED",
        `the pages of this database have ${pageSize} bytes, SQLite writes ${length} at ${offset}`,
      );
    }
    const page = pageNo(offset / pageSize + 1);
    const written = this.#engine.heap.bytes.subarray(source, source + length);
    view.writer.write(page, page === 1 ? this.#storedHeader(view, written) : written);
  }

  /** Page 1 as it is to be stored, out of what SQLite wrote. */
  #storedHeader(view: View, written: Uint8Array): Uint8Array {
    const bytes = written.slice();
    const fields = new DataView(bytes.buffer);
    const counter = fields.getUint32(24);
    const cookie = fields.getUint32(40);
    this.#shown = {
      lineage: this.#lineage.of(view.snapshot.version),
      counter: counter | 0,
      cookie: cookie | 0,
    };
    fields.setUint32(24, (counter - this.#counterShift) >>> 0);
    fields.setUint32(40, (cookie - this.#cookieShift) >>> 0);
    fields.setUint32(92, (fields.getUint32(92) - this.#counterShift) >>> 0);
    const incrementalVacuum = view.header?.incrementalVacuum ?? fields.getUint32(64);
    fields.setUint32(64, incrementalVacuum);
    view.wroteHeader({
      incrementalVacuum,
      changeCounter: fields.getUint32(24),
      schemaCookie: fields.getUint32(40),
    });
    return bytes;
  }

  /** Not an I/O error, because after one SQLite rolls back the transaction and every cursor of the connection. */
  #fail(error: unknown): number {
    this.#failure ??= { error };
    return SQLITE_BUSY;
  }

  #copy(
    bytes: Uint8Array,
    page: PageNo,
    target: number,
    within: number,
    length: number,
    pageSize: number,
  ): number {
    if (bytes.length !== pageSize) return this.#fail(wrongLength(page, bytes.length, pageSize));
    const heap = this.#engine.heap.bytes;
    if (within === 0 && length === pageSize) heap.set(bytes, target);
    else heap.set(bytes.subarray(within, within + length), target);
    if (page === 1) this.#patchHeader(heap, target - within, within, within + length);
    return SQLITE_OK;
  }

  /** `base` is where byte 0 of the file would be; only bytes from `start` to `end` are there. */
  #patchHeader(heap: Uint8Array, base: number, start: number, end: number): void {
    for (const offset of [18, 19]) if (offset >= start && offset < end) heap[base + offset] = 1;
    if (this.#writable && start <= 52 && end >= 68) {
      const fields = new DataView(heap.buffer, base);
      if (fields.getUint32(52) !== 0) fields.setUint32(64, 1);
    }
    if (this.#counterShift === 0 && this.#cookieShift === 0) return;
    const shift = (offset: number, by: number): void => {
      if (offset < start || offset + 4 > end) return;
      const view = new DataView(heap.buffer, base + offset, 4);
      view.setUint32(0, (view.getUint32(0) + by) >>> 0);
    };
    shift(24, this.#counterShift);
    shift(40, this.#cookieShift);
    shift(92, this.#counterShift);
  }
}
