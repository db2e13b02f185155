import type { AbortOptions, PageRange } from "@lacuna/page";

/** A database to publish: a `ServedView` is one. It must not change while it is read. */
export interface PublishSource {
  readonly pageSize: number;
  readonly pageCount: number;
  /** The bytes of the pages, one behind the other in the order of the ranges. */
  read(ranges: readonly PageRange[], options?: AbortOptions): Promise<Uint8Array<ArrayBuffer>>;
}
