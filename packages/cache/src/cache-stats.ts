import { type PageNo, PageSet } from "@lacuna/page";
import type { FetchCause } from "./fetch-plan.ts";

/** What became of the pages that speculation brought. Counted in pages, since the cache was made. */
export interface SpeculationStats {
  /** Pages that arrived. */
  readonly fetched: number;
  /** Of these, pages that were here before a reader asked for them. */
  readonly used: number;
  /** Of these, pages a reader already waited for when they arrived. */
  readonly late: number;
  /** Of these, pages nobody has read so far: `fetched - used - late`. */
  readonly unread: number;
}

/** What a cache has done since it was made. */
export interface CacheStats {
  /** Requests sent. One `fetchPages` is one request. */
  readonly requests: number;
  /** Requests that ended with an error. */
  readonly failedRequests: number;
  /** Requests given up because nobody wanted their pages any more. */
  readonly cancelledRequests: number;
  /** Reads and peeks served without waiting. */
  readonly hits: number;
  /** Reads that waited for a store that cannot read synchronously. */
  readonly storeReads: number;
  /** Reads that waited for the network. */
  readonly misses: number;
  /** Pages that arrived, for any cause. */
  readonly fetchedPages: number;
  /** Bytes of these pages. What travelled is for the transport to say. */
  readonly fetchedBytes: number;
  /** Pages that arrived because somebody waited for them. */
  readonly demandPages: number;
  /** Pages that arrived because they share a segment with a demanded page. */
  readonly segment: SpeculationStats;
  /** Pages that arrived because `prefetch` asked for them. */
  readonly prefetch: SpeculationStats;
  /** Pages that `prefetch` asked for and that did not arrive. */
  readonly failedPrefetchPages: number;
  /** Pages the store refused. They are served from memory while they stay there. */
  readonly refusedPages: number;
  /** Pages the store holds. */
  readonly residentPages: number;
  /** Bytes of pages in memory. */
  readonly memoryBytes: number;
}

class Speculation {
  fetched = 0;
  used = 0;
  late = 0;
  readonly unread = new PageSet();

  stats(): SpeculationStats {
    const { fetched, used, late } = this;
    return { fetched, used, late, unread: fetched - used - late };
  }
}

/** Keeps the counts of a cache. */
export class Ledger {
  requests = 0;
  failedRequests = 0;
  cancelledRequests = 0;
  hits = 0;
  storeReads = 0;
  misses = 0;
  fetchedPages = 0;
  demandPages = 0;
  failedPrefetchPages = 0;
  refusedPages = 0;
  readonly #segment = new Speculation();
  readonly #prefetch = new Speculation();

  /** @param awaited whether a reader waits for it */
  arrived(page: PageNo, cause: FetchCause, awaited: boolean): void {
    this.fetchedPages++;
    if (cause === "demand") {
      this.demandPages++;
      return;
    }
    const speculation = cause === "segment" ? this.#segment : this.#prefetch;
    speculation.fetched++;
    if (awaited) speculation.late++;
    else speculation.unread.add(page);
  }

  /** Somebody reads a page; only the first time matters. */
  read(page: PageNo): void {
    if (this.#segment.unread.size > 0 && this.#segment.unread.delete(page)) this.#segment.used++;
    else if (this.#prefetch.unread.size > 0 && this.#prefetch.unread.delete(page)) this.#prefetch.used++;
  }

  stats(now: {
    readonly pageSize: number;
    readonly residentPages: number;
    readonly memoryPages: number;
  }): CacheStats {
    return {
      requests: this.requests,
      failedRequests: this.failedRequests,
      cancelledRequests: this.cancelledRequests,
      hits: this.hits,
      storeReads: this.storeReads,
      misses: this.misses,
      fetchedPages: this.fetchedPages,
      fetchedBytes: this.fetchedPages * now.pageSize,
      demandPages: this.demandPages,
      segment: this.#segment.stats(),
      prefetch: this.#prefetch.stats(),
      failedPrefetchPages: this.failedPrefetchPages,
      refusedPages: this.refusedPages,
      residentPages: now.residentPages,
      memoryBytes: now.memoryPages * now.pageSize,
    };
  }
}
