import { parseDatabaseHeader } from "@lacuna/btree";
import { type CacheStats, SegmentCache } from "@lacuna/cache";
import { type LacunaError, type PageNo, type PageStore, type PrefetchSource, pageNo } from "@lacuna/page";
import type { PagerBase } from "@lacuna/pager";
import { structurePredictor, withPrefetch } from "@lacuna/prefetch";
import type { ReplicaOptions } from "./replica-options.ts";

/** The pages of a store, and of the remote at the revision of the store. */
export class ReplicaBase implements PagerBase {
  readonly source: PrefetchSource;
  readonly #cache: SegmentCache;

  private constructor(source: PrefetchSource, cache: SegmentCache) {
    this.source = source;
    this.#cache = cache;
  }

  /** @param store has a shape */
  static async make(
    store: PageStore,
    { transport, segmentBytes, memoryBytes, prefetch = true }: ReplicaOptions,
  ): Promise<ReplicaBase> {
    const shape = store.shape();
    if (shape === undefined) throw new Error("BUG: a replica without a shape");
    const cache = new SegmentCache({
      store,
      transport,
      shape,
      segmentBytes: prefetch ? singly(segmentBytes) : segmentBytes,
      memoryBytes,
    });
    if (!prefetch || transport === undefined) return new ReplicaBase(cache, cache);
    const [first] = shape.pageCount === 0 ? [] : await store.get([pageNo(1)]);
    // Some databases reserve the end of every page.
    const usableSize = first === undefined ? shape.pageSize : parseDatabaseHeader(first).usableSize;
    const peek = (page: PageNo): Uint8Array | undefined => cache.peek(page);
    return new ReplicaBase(withPrefetch(cache, structurePredictor({ usableSize, peek })), cache);
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
