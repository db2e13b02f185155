import {
  closedError,
  isPageNo,
  type LinkEstimate,
  MAX_PAGE_NO,
  type PageNo,
  type PrefetchOptions,
  pageNo,
  type ReadOptions,
  type Revision,
} from "@lacuna/page";
import type { PagerSnapshot } from "./pager-snapshot.ts";
import type { WriteTransaction } from "./write-source.ts";

/** Where SQLite has its locks: the page at this offset is never used. File Format, "The Lock-Byte Page". */
const LOCK_OFFSET = 0x4000_0000;
// File Format, "File format version numbers": 2 says that there may be a write-ahead log.
const JOURNAL_MODE_AT = 18;
const WAL_MODE = 2;

/** What a transaction wants to become the newest state. */
export interface StagedPages {
  /** By page; not to be changed any more. */
  readonly pages: Map<PageNo, Uint8Array>;
  readonly pageCount: number;
  /** True if the database is longer or shorter than before. */
  readonly resized: boolean;
}

/** What becomes of a transaction. */
export interface TransactionOwner {
  commit(staged: StagedPages, over: PagerSnapshot, change: Uint8Array | undefined): Promise<number>;
  /** It is over, one way or another. Called once. */
  ended(): void;
}

/** Pages in memory over a snapshot. */
export class Transaction implements WriteTransaction {
  readonly #snapshot: PagerSnapshot;
  readonly #owner: TransactionOwner;
  readonly #pages = new Map<PageNo, Uint8Array>();
  #pageCount: number;
  // Pages after it that were not written here are zeros, whatever the snapshot has there.
  #shortest: number;
  #over = false;

  constructor(snapshot: PagerSnapshot, owner: TransactionOwner) {
    this.#snapshot = snapshot;
    this.#owner = owner;
    this.#pageCount = snapshot.pageCount;
    this.#shortest = snapshot.pageCount;
  }

  get revision(): Revision {
    return this.#snapshot.revision;
  }

  get pageSize(): number {
    return this.#snapshot.pageSize;
  }

  get pageCount(): number {
    return this.#pageCount;
  }

  get version(): number {
    return this.#snapshot.version;
  }

  peek(page: PageNo): Uint8Array | undefined {
    return this.#here(page) ?? (this.#isBelow(page) ? this.#snapshot.peek(page) : undefined);
  }

  copyTo(page: PageNo, into: Uint8Array, at: number): boolean {
    const here = this.#here(page);
    if (here === undefined) return this.#isBelow(page) && this.#snapshot.copyTo(page, into, at);
    into.set(here, at);
    return true;
  }

  async read(page: PageNo, options?: ReadOptions): Promise<Uint8Array> {
    if (this.#over) throw closedError("the transaction");
    if (!isPageNo(page) || page > this.#pageCount) {
      throw new RangeError(`expected a page from 1 to ${this.#pageCount}, got ${page}`);
    }
    return this.#here(page) ?? (await this.#snapshot.read(page, options));
  }

  async prefetch(pages: readonly PageNo[], options?: PrefetchOptions): Promise<void> {
    if (this.#over) return;
    const wanted = pages.filter((page) => this.#isBelow(page) && this.#here(page) === undefined);
    await this.#snapshot.prefetch(wanted, options);
  }

  holds(page: PageNo): boolean {
    return this.#here(page) !== undefined || (this.#isBelow(page) && this.#snapshot.holds(page));
  }

  glance(page: PageNo, into?: Uint8Array): Uint8Array | undefined {
    return this.#here(page) ?? (this.#isBelow(page) ? this.#snapshot.glance(page, into) : undefined);
  }

  get memoryBytes(): number | undefined {
    return this.#snapshot.memoryBytes;
  }

  linkEstimate(): LinkEstimate | undefined {
    return this.#over ? undefined : this.#snapshot.linkEstimate();
  }

  write(page: PageNo, bytes: Uint8Array): void {
    this.#checkOpen();
    pageNo(page);
    if (bytes.byteLength !== this.pageSize) {
      throw new RangeError(`page ${page} should have ${this.pageSize} bytes, got ${bytes.byteLength}`);
    }
    const copy = new Uint8Array(bytes);
    if (page === 1) copy.fill(WAL_MODE, JOURNAL_MODE_AT, JOURNAL_MODE_AT + 2);
    this.#pages.set(page, copy);
    this.#pageCount = Math.max(this.#pageCount, page);
  }

  truncate(pageCount: number): void {
    this.#checkOpen();
    if (!Number.isInteger(pageCount) || pageCount < 0 || pageCount > MAX_PAGE_NO) {
      throw new RangeError(`expected a number of pages from 0 to ${MAX_PAGE_NO}, got ${pageCount}`);
    }
    if (pageCount < this.#pageCount) {
      for (const page of this.#pages.keys()) if (page > pageCount) this.#pages.delete(page);
      this.#shortest = Math.min(this.#shortest, pageCount);
    }
    this.#pageCount = pageCount;
  }

  async commit(change?: Uint8Array): Promise<number> {
    this.#checkOpen();
    this.#over = true;
    try {
      this.#addZeros();
      const resized = this.#pageCount !== this.#snapshot.pageCount;
      const staged = { pages: this.#pages, pageCount: this.#pageCount, resized };
      return await this.#owner.commit(
        staged,
        this.#snapshot,
        change === undefined ? undefined : new Uint8Array(change),
      );
    } finally {
      this.#end();
    }
  }

  rollback(): void {
    if (this.#over) return;
    this.#over = true;
    this.#end();
  }

  release(): void {
    this.rollback();
  }

  #end(): void {
    this.#pages.clear();
    this.#snapshot.release();
    this.#owner.ended();
  }

  #checkOpen(): void {
    if (this.#over) throw closedError("the transaction");
  }

  /** True where the snapshot has the page. */
  #isBelow(page: PageNo): boolean {
    return !this.#over && page <= this.#shortest && page <= this.#pageCount;
  }

  /** The page if it is not the snapshot's. */
  #here(page: PageNo): Uint8Array | undefined {
    if (this.#over) return undefined;
    const written = this.#pages.get(page);
    if (written !== undefined) return written;
    return page > this.#shortest && page <= this.#pageCount ? new Uint8Array(this.pageSize) : undefined;
  }

  /** So that every page is somewhere, and what was cut off before never comes back. */
  #addZeros(): void {
    const lockPage = LOCK_OFFSET / this.pageSize + 1;
    for (let page = this.#shortest + 1; page <= this.#pageCount; page++) {
      if (page === lockPage || this.#pages.has(page as PageNo)) continue;
      this.#pages.set(page as PageNo, new Uint8Array(this.pageSize));
    }
  }
}

/** Page 1 as a write-ahead log must have it. */
export function withWalMode(page1: Uint8Array): Uint8Array {
  return new Uint8Array(page1).fill(WAL_MODE, JOURNAL_MODE_AT, JOURNAL_MODE_AT + 2);
}
