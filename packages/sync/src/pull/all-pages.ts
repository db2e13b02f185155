import { type Opening, type PageEntry, pageNo } from "@lacuna/page";
import type { IngestOptions } from "../ingest.ts";
import type { ReplicaOptions } from "../replica-options.ts";

/** The pages of an opening, and where the whole database is wanted also those that did not come along. */
export async function* allPages(
  { shape, pages }: Opening,
  { transport, partial, pullBytesThreshold = 0 }: ReplicaOptions,
  { signal }: IngestOptions,
): AsyncGenerator<readonly PageEntry[]> {
  yield* pages;
  if (partial !== undefined || pullBytesThreshold === 0 || transport === undefined) return;
  const perRequest = Math.max(1, Math.floor(pullBytesThreshold / shape.pageSize));
  const came = Math.max(1, Math.ceil(pullBytesThreshold / shape.pageSize));
  for (let first = came + 1; first <= shape.pageCount; first += perRequest) {
    const last = pageNo(Math.min(shape.pageCount, first + perRequest - 1));
    const request = {
      revision: shape.revision,
      pages: [{ first: pageNo(first), last }],
      urgency: "demand",
    } as const;
    yield* transport.fetchPages(request, signal === undefined ? {} : { signal });
  }
}
