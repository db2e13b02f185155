import {
  closedError,
  isLacunaError,
  LacunaError,
  type LinkEstimate,
  type PageEntry,
  type PageNo,
  type PageSet,
  type PageStore,
  type PrefetchCause,
  type PrefetchOptions,
  type PrefetchSource,
  type ReadOptions,
  type Revision,
} from "@lacuna/page";
import type { CacheEvent } from "./cache-event.ts";
import { type PageTransport, resolveOptions, type SegmentCacheOptions } from "./cache-options.ts";
import { type CacheStats, Ledger } from "./cache-stats.ts";
import { demandError, offlineError } from "./fetch-errors.ts";
import type { FetchCause } from "./fetch-plan.ts";
import { Fetcher, type FetcherOptions } from "./fetcher.ts";
import { type Frame, PageMemory } from "./page-memory.ts";
import { PageWait } from "./page-wait.ts";
import { WriteBehind } from "./write-behind.ts";

/**
 * The pages of one database at one revision, from memory, else from a store, else from a remote, segment by segment.
 *
 * A page reaches its readers when it arrives; the store takes it soon after. If the store refuses it, the page is still
 * read, from memory while it stays there, and is not resident: it will be fetched again. That is told to `onEvent` and
 * counted in `stats().refusedPages`.
 */
export class SegmentCache implements PrefetchSource {
  readonly revision: Revision;
  readonly pageSize: number;
  readonly pageCount: number;
  readonly memoryBytes: number;
  readonly #store: PageStore;
  readonly #transport: PageTransport | undefined;
  readonly #resident: PageSet;
  readonly #memory: PageMemory;
  readonly #fetcher: Fetcher | undefined;
  readonly #writer: WriteBehind;
  readonly #ledger = new Ledger();
  readonly #onEvent: (event: CacheEvent) => void;
  readonly #waits = new Map<PageNo, PageWait>();
  #toLoad: PageNo[] = [];
  #over: unknown;

  /** @throws {LacunaError} `INVALID_OPTION` for an option out of range or a store of another shape */
  constructor(options: SegmentCacheOptions) {
    const resolved = resolveOptions(options);
    const { shape, store, transport } = resolved;
    this.revision = shape.revision;
    this.pageSize = shape.pageSize;
    this.pageCount = shape.pageCount;
    this.memoryBytes = resolved.memoryPages * shape.pageSize;
    this.#store = store;
    this.#transport = transport;
    this.#resident = store.resident();
    this.#onEvent = resolved.onEvent;
    this.#memory = new PageMemory(resolved.memoryPages);
    this.#writer = new WriteBehind(store, {
      stored: (pages) => this.#unpin(pages),
      failed: (pages, error) => {
        this.#ledger.refusedPages += pages.length;
        this.#unpin(pages);
        this.#onEvent({ type: "store-failed", pages, error });
      },
    });
    if (transport !== undefined) this.#fetcher = this.#makeFetcher({ ...resolved, transport });
  }

  peek(page: PageNo): Uint8Array | undefined {
    const frame = this.#memory.find(page);
    if (frame === undefined) return this.#peekStore(page, true);
    frame.shared = true;
    return this.#hit(frame);
  }

  copyTo(page: PageNo, into: Uint8Array, at: number): boolean {
    const frame = this.#memory.find(page);
    const bytes = frame === undefined ? this.#peekStore(page, false) : this.#hit(frame);
    if (bytes === undefined) return false;
    into.set(bytes, at);
    return true;
  }

  async read(page: PageNo, options?: ReadOptions): Promise<Uint8Array> {
    if (this.#over !== undefined) throw overError(page, this.#over);
    this.#checkContained(page);
    options?.signal?.throwIfAborted();
    const here = this.peek(page);
    if (here !== undefined) return here;
    const wait = this.#waits.get(page) ?? this.#startWait(page);
    if (wait.remote) this.#ledger.misses++;
    else this.#ledger.storeReads++;
    return wait.join(options?.signal);
  }

  holds(page: PageNo): boolean {
    return this.#over === undefined && this.#contains(page) && !this.#absent(page);
  }

  /** Exactly these pages, without the rest of their segments. */
  async prefetch(pages: readonly PageNo[], options: PrefetchOptions = {}): Promise<void> {
    if (this.#over !== undefined || this.#fetcher === undefined) return;
    const absent = pages.filter((page) => this.#contains(page) && this.#absent(page));
    if (absent.length > 0) await this.#fetcher.prefetch(absent, options);
  }

  glance(page: PageNo, into?: Uint8Array): Uint8Array | undefined {
    const frame = this.#memory.find(page);
    if (frame !== undefined) return frame.bytes;
    const gone = this.#over !== undefined || !this.#resident.has(page);
    return gone ? undefined : this.#store.getSync?.(page, into);
  }

  linkEstimate(): LinkEstimate | undefined {
    return this.#transport?.linkEstimate?.();
  }

  /**
   * Takes pages of this revision that came in another way, such as by a query at the remote. Those that are here already stay
   * as they are; readers who wait for one of the others go on.
   * @returns a promise when the store lags behind: it resolves when more should be given
   * @throws {RangeError} for a page outside the database or of a wrong length; those before it are taken
   */
  accept(entries: readonly PageEntry[], cause: PrefetchCause): Promise<void> | undefined {
    for (const { page, bytes } of entries) {
      if (this.#over !== undefined) return undefined;
      this.#checkContained(page);
      if (bytes.length !== this.pageSize) {
        throw new RangeError(`expected ${this.pageSize} bytes of page ${page}, got ${bytes.length}`);
      }
      if (this.#absent(page)) this.#arrived(page, bytes, cause);
    }
    return this.#writer.congested ? this.#writer.settled() : undefined;
  }

  /** Resolves when every page that has arrived by now is in the store, or was refused by it. */
  async flush(): Promise<void> {
    this.#writer.flush();
    await this.#writer.settled();
  }

  /** Counts since the cache was made. */
  stats(): CacheStats {
    return this.#ledger.stats({
      pageSize: this.pageSize,
      residentPages: this.#resident.size,
      memoryPages: this.#memory.size,
    });
  }

  /**
   * Ends every wait with `CLOSED`, cancels what is on the way and stores what has arrived. Afterwards the cache no longer
   * touches the store. Calling it again is harmless.
   */
  async close(): Promise<void> {
    await this.#finish(closedError("the cache"), () => this.#writer.flush());
  }

  /**
   * Ends the cache because its pages are no longer those of the database, such as before the store takes another
   * revision: every wait and every later read fails with the code of `error`, and pages that arrived but are not stored
   * yet are dropped. When it resolves the cache no longer touches the store.
   */
  async abandon(error: LacunaError): Promise<void> {
    await this.#finish(error, () => this.#writer.drop());
  }

  async #finish(error: LacunaError, endWriting: () => void): Promise<void> {
    if (this.#over === undefined) {
      this.#over = error;
      const waits = [...this.#waits.values()];
      this.#waits.clear();
      for (const wait of waits) wait.fail(overError(wait.page, error));
      this.#fetcher?.stop();
      endWriting();
      this.#memory.clear();
    }
    await this.#writer.settled();
  }

  #makeFetcher(options: FetcherOptions): Fetcher {
    return new Fetcher(options, {
      absent: (page) => this.#absent(page),
      present: (page) => this.#resume(page),
      arrived: (page, bytes, cause) => this.#arrived(page, bytes, cause),
      failed: (page, cause, outcome, error) => {
        this.#ledger.failed(cause, outcome);
        this.#failWait(page, demandError(page, error));
      },
      sent: ({ number: request, urgency, asked, causes }) => {
        this.#ledger.requests++;
        this.#onEvent({ type: "request", request, urgency, pages: asked, causes });
      },
      ended: ({ number: request, urgency, asked, coming }, outcome, error) => {
        if (outcome === "failed") this.#ledger.failedRequests++;
        if (outcome === "cancelled") this.#ledger.cancelledRequests++;
        if (this.#over === undefined) this.#writer.flush();
        const arrived = asked.length - coming;
        this.#onEvent({ type: "answer", request, urgency, outcome, asked: asked.length, arrived, error });
      },
      congestion: () => (this.#writer.congested ? this.#writer.settled() : undefined),
    });
  }

  #arrived(page: PageNo, bytes: Uint8Array, cause: FetchCause): void {
    const wait = this.#waits.get(page);
    this.#ledger.arrived(page, cause, wait !== undefined);
    this.#onEvent({ type: "page", page, cause, awaited: wait !== undefined });
    this.#waits.delete(page);
    this.#keep(page, bytes, wait === undefined && cause !== "demand");
    // Not the one that is kept, so that its memory can be used again.
    wait?.arrive(new Uint8Array(bytes));
  }

  #contains(page: PageNo): boolean {
    return Number.isInteger(page) && page >= 1 && page <= this.pageCount;
  }

  #checkContained(page: PageNo): void {
    if (this.#contains(page)) return;
    throw new RangeError(`expected a page from 1 to ${this.pageCount}, got ${page}`);
  }

  #absent(page: PageNo): boolean {
    return this.#memory.find(page) === undefined && !this.#resident.has(page);
  }

  #hit(frame: Frame): Uint8Array {
    this.#ledger.hits++;
    // What was brought to be read has been: only who reads it again wants it kept.
    frame.touched = !frame.unread;
    if (frame.unread) {
      frame.unread = false;
      this.#firstRead(frame.page);
    }
    return frame.bytes;
  }

  #firstRead(page: PageNo): void {
    const cause = this.#ledger.read(page);
    if (cause !== undefined) this.#onEvent({ type: "used", page, cause });
  }

  #peekStore(page: PageNo, shared: boolean): Uint8Array | undefined {
    if (this.#over !== undefined || !this.#resident.has(page)) return undefined;
    const bytes = this.#store.getSync?.(page, this.#memory.spare());
    if (bytes === undefined) return undefined;
    this.#ledger.hits++;
    this.#firstRead(page);
    this.#memory.insert(page, bytes, { pinned: false, unread: false, shared });
    return bytes;
  }

  #startWait(page: PageNo): PageWait {
    const wait = new PageWait(page, (abandoned) => {
      if (this.#waits.get(page) !== abandoned) return;
      this.#waits.delete(page);
      if (abandoned.remote) this.#fetcher?.withdraw(page);
    });
    this.#waits.set(page, wait);
    if (this.#resident.has(page)) this.#load(page);
    else this.#demand(wait);
    return wait;
  }

  #demand(wait: PageWait): void {
    if (this.#fetcher === undefined) {
      this.#failWait(wait.page, offlineError(wait.page));
      return;
    }
    wait.remote = true;
    this.#fetcher.demand(wait.page);
  }

  /** Pages wanted in the same turn come from the store together. */
  #load(page: PageNo): void {
    this.#toLoad.push(page);
    if (this.#toLoad.length === 1) queueMicrotask(() => void this.#loadGathered());
  }

  async #loadGathered(): Promise<void> {
    const pages = this.#toLoad;
    this.#toLoad = [];
    try {
      const found = await this.#store.get(pages);
      if (this.#over !== undefined) return;
      for (const [index, page] of pages.entries()) this.#loaded(page, found[index]);
    } catch (error) {
      for (const page of pages) this.#failWait(page, error);
    }
  }

  #loaded(page: PageNo, bytes: Uint8Array | undefined): void {
    const wait = this.#waits.get(page);
    if (bytes === undefined) {
      // The store found it torn: it has to be fetched after all.
      if (wait !== undefined) this.#demand(wait);
      return;
    }
    this.#firstRead(page);
    this.#memory.insert(page, bytes, { pinned: false, unread: false, shared: true });
    this.#waits.delete(page);
    wait?.arrive(bytes);
  }

  /** A page that readers wait for came by another way, such as a bootstrap into the same store. */
  #resume(page: PageNo): void {
    if (this.#waits.has(page)) this.#load(page);
  }

  #keep(page: PageNo, bytes: Uint8Array, unread: boolean): void {
    if (!this.#absent(page)) return;
    // A view would keep the whole answer in memory.
    const own = this.#memory.copyOf(bytes);
    this.#memory.insert(page, own, { unread, pinned: true, shared: false });
    this.#writer.add({ page, bytes: own });
  }

  #unpin(pages: readonly PageNo[]): void {
    for (const page of pages) this.#memory.unpin(page);
  }

  #failWait(page: PageNo, error: unknown): void {
    const wait = this.#waits.get(page);
    this.#waits.delete(page);
    wait?.fail(error);
  }
}

function overError(page: PageNo, error: unknown): unknown {
  return isLacunaError(error) ? new LacunaError(error.code, error.message, { page, cause: error }) : error;
}
