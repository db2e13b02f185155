import { type PageNo, PageSet, type PrefetchCause } from "@lacuna/page";
import type { FetchCause } from "./fetch-plan.ts";

/** What became of the pages that speculation asked for. Counted in pages, since the cache was made. */
export interface SpeculationStats {
  /** Pages that arrived. */
  readonly fetched: number;
  /** Of these, pages that were here before a reader asked for them: what speculation is for. */
  readonly used: number;
  /** Of these, pages a reader already waited for when they arrived: it waited less than it would have. */
  readonly late: number;
  /** Of these, pages nobody has read so far, wasted unless somebody does: `fetched - used - late`. */
  readonly unread: number;
  /** Pages that did not arrive because by then nobody wanted them any more. */
  readonly cancelled: number;
  /** Pages that did not arrive because their request failed. */
  readonly failed: number;
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
  /** Pages that `prefetch` asked for. */
  readonly prefetch: SpeculationStats;
  /** The same for each cause that pages were asked for. */
  readonly causes: Readonly<Partial<Record<PrefetchCause, SpeculationStats>>>;
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
  cancelled = 0;
  failed = 0;
  readonly unread = new PageSet();

  stats(): SpeculationStats {
    const { fetched, used, late, cancelled, failed } = this;
    return { fetched, used, late, unread: fetched - used - late, cancelled, failed };
  }
}

const NONE: SpeculationStats = new Speculation().stats();

function sum(parts: readonly SpeculationStats[]): SpeculationStats {
  const total = { ...NONE };
  for (const part of parts) {
    for (const name of Object.keys(total) as (keyof SpeculationStats)[]) {
      (total as Record<keyof SpeculationStats, number>)[name] += part[name];
    }
  }
  return total;
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
  refusedPages = 0;
  readonly #speculation = new Map<Exclude<FetchCause, "demand">, Speculation>();

  /** @param awaited whether a reader waits for it */
  arrived(page: PageNo, cause: FetchCause, awaited: boolean): void {
    this.fetchedPages++;
    if (cause === "demand") {
      this.demandPages++;
      return;
    }
    const speculation = this.#of(cause);
    speculation.fetched++;
    if (awaited) speculation.late++;
    else speculation.unread.add(page);
  }

  /** A page that was asked for will not come. */
  failed(cause: FetchCause, outcome: "failed" | "cancelled"): void {
    if (cause !== "demand") this.#of(cause)[outcome]++;
  }

  /** Somebody reads a page; only the first time matters. @returns why the page came, if it is the first time */
  read(page: PageNo): FetchCause | undefined {
    for (const [cause, speculation] of this.#speculation) {
      if (speculation.unread.size === 0 || !speculation.unread.delete(page)) continue;
      speculation.used++;
      return cause;
    }
    return undefined;
  }

  #of(cause: Exclude<FetchCause, "demand">): Speculation {
    const known = this.#speculation.get(cause);
    if (known !== undefined) return known;
    const speculation = new Speculation();
    this.#speculation.set(cause, speculation);
    return speculation;
  }

  stats(now: {
    readonly pageSize: number;
    readonly residentPages: number;
    readonly memoryPages: number;
  }): CacheStats {
    const causes: Partial<Record<PrefetchCause, SpeculationStats>> = {};
    for (const [cause, speculation] of this.#speculation) {
      if (cause !== "segment") causes[cause] = speculation.stats();
    }
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
      segment: this.#speculation.get("segment")?.stats() ?? NONE,
      prefetch: sum(Object.values(causes)),
      causes,
      refusedPages: this.refusedPages,
      residentPages: now.residentPages,
      memoryBytes: now.memoryPages * now.pageSize,
    };
  }
}
