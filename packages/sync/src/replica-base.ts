import { parseDatabaseHeader } from "@lacuna/btree";
import { type CacheStats, SegmentCache } from "@lacuna/cache";
import {
  type LacunaError,
  type PageNo,
  type PageStore,
  type PrefetchSource,
  pageNo,
  type Transport,
} from "@lacuna/page";
import type { PagerBase } from "@lacuna/pager";
import { type TaskHistory, withPrefetch } from "@lacuna/prefetch";
import type { HydrationSide } from "./hydration.ts";
import type { ReplicaOptions } from "./replica-options.ts";

/** The pages of a store, and of the remote at the revision of the store. */
export class ReplicaBase implements PagerBase {
  readonly source: PrefetchSource;
  readonly #cache: SegmentCache;
  readonly #store: PageStore;
  readonly #transport: Transport | undefined;

  private constructor(
    source: PrefetchSource,
    cache: SegmentCache,
    store: PageStore,
    transport: Transport | undefined,
  ) {
    this.source = source;
    this.#cache = cache;
    this.#store = store;
    this.#transport = transport;
  }

  /**
   * @param store has a shape
   * @param history what tasks came to at the revisions before
   */
  static async make(
    store: PageStore,
    { transport, segmentBytes, memoryBytes, prefetch = false, onPages }: ReplicaOptions,
    history?: TaskHistory,
  ): Promise<ReplicaBase> {
    const shape = store.shape();
    if (shape === undefined) throw new Error("BUG: a replica without a shape");
    const cache = new SegmentCache({
      store,
      transport,
      shape,
      segmentBytes: prefetch === false ? segmentBytes : singly(segmentBytes),
      memoryBytes,
      onEvent: onPages,
    });
    if (prefetch === false || transport === undefined) return new ReplicaBase(cache, cache, store, transport);
    const [first] = shape.pageCount === 0 ? [] : await store.get([pageNo(1)]);
    // Some databases reserve the end of every page.
    const usableSize = first === undefined ? shape.pageSize : parseDatabaseHeader(first).usableSize;
    const peek = (page: PageNo): Uint8Array | undefined => cache.glance(page);
    const source = withPrefetch(cache, prefetch({ usableSize, peek, history }));
    return new ReplicaBase(source, cache, store, transport);
  }

  /** What a hydration works with. */
  get side(): HydrationSide {
    return { cache: this.#cache, store: this.#store, transport: this.#transport };
  }

  stats(): CacheStats {
    return this.#cache.stats();
  }

  end(error: LacunaError): Promise<void> {
    // What has arrived is kept, unless it is of a revision that is left.
    return error.code === "CLOSED" ? this.#cache.close() : this.#cache.abandon(error);
  }
}

/** With prefetch, what is near a page is fetched on evidence only, unless a size was given. */
const singly = (segmentBytes: number | "auto" | undefined): number =>
  typeof segmentBytes === "number" ? segmentBytes : 1;
