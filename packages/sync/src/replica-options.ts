import type { CacheEvent } from "@lacuna/cache";
import type { PageStore, Predictor, Transport } from "@lacuna/page";
import type { PredictorsOptions } from "@lacuna/prefetch";
import type { Progress } from "./ingest.ts";

/** What of the remote comes at opening; the rest is fetched when a query needs it. */
export type PartialBootstrap =
  | { readonly kind: "prefix"; readonly bytes: number }
  | { readonly kind: "query"; readonly sql: string };

export interface ReplicaOptions {
  /** Where pages live. The replica owns it and closes it. */
  readonly store: PageStore;
  /** Where pages come from; absent for a replica that is only read as far as it is here. Owned and closed. */
  readonly transport?: Transport | undefined;
  /**
   * Names the remote, without credentials. Kept with the replica: opening it for another remote fails.
   * Absent when the remote has no fixed name.
   */
  readonly remoteName?: string | undefined;
  /** Absent: the whole database is brought at opening. */
  readonly partial?: PartialBootstrap | undefined;
  /**
   * Bytes of pages asked for in one request while the whole database is brought; 0 for all in one.
   * @default 0
   */
  readonly pullBytesThreshold?: number | undefined;
  /**
   * Bytes fetched together around a missing page: see `SegmentCacheOptions`. With `"auto"`, pages are fetched singly while
   * prefetch says what else will be wanted, and by segments that follow the link where it does not.
   * @default "auto" with prefetch, 131072 without
   */
  readonly segmentBytes?: number | "auto" | undefined;
  /** @see SegmentCacheOptions */
  readonly memoryBytes?: number | undefined;
  /**
   * Makes what predicts the pages to fetch ahead of the readers, such as `predictors` of `@lacuna/prefetch`; an empty list
   * where readers ask by themselves. Called again whenever the replica moved to another revision.
   * @default false: nothing is fetched ahead, and missing pages come by segments
   */
  readonly prefetch?: ((options: PredictorsOptions) => readonly Predictor[]) | false | undefined;
  readonly onProgress?: ((progress: Progress) => void) | undefined;
  /** Told of every request for missing pages, of every page that comes, and of its first use. Must not throw. */
  readonly onPages?: ((event: CacheEvent) => void) | undefined;
  /** Ends the opening with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}
