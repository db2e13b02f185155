import {
  countPages,
  type DatabaseShape,
  LacunaError,
  type PageEntry,
  type PageNo,
  type PageStore,
  rangesInOrder,
  type Transport,
} from "@lacuna/page";

/** How far a bootstrap or hydration is. */
export interface Progress {
  /** Pages resident now. */
  readonly pages: number;
  /** Pages in the database. */
  readonly pageCount: number;
  /** Bytes of pages brought by this operation so far. */
  readonly bytes: number;
}

export interface IngestOptions {
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch that became resident. What it throws ends the operation. */
  readonly onProgress?: ((progress: Progress) => void) | undefined;
}

/** Bytes of pages kept in memory before they are handed to the store. */
const BATCH_BYTES = 1 << 20;

/** Puts arriving pages into the store, in batches, and makes them durable at the end. */
export async function ingest(
  store: PageStore,
  shape: DatabaseShape,
  pages: AsyncIterable<readonly PageEntry[]>,
  { signal, onProgress }: IngestOptions,
): Promise<void> {
  let batch: PageEntry[] = [];
  let bytes = 0;
  const put = async (): Promise<void> => {
    if (batch.length === 0) return;
    await store.put(batch);
    bytes += batch.length * shape.pageSize;
    batch = [];
    onProgress?.({ pages: store.resident().size, pageCount: shape.pageCount, bytes });
  };
  for await (const arrived of pages) {
    signal?.throwIfAborted();
    batch.push(...arrived);
    if (batch.length * shape.pageSize >= BATCH_BYTES) await put();
  }
  await put();
  await store.flush();
}

/** The pages of the shape that the store does not hold, ascending. */
export function missingPages(store: PageStore, shape: DatabaseShape): PageNo[] {
  const resident = store.resident();
  const missing: PageNo[] = [];
  for (let page = 1; page <= shape.pageCount; page++) {
    if (!resident.has(page as PageNo)) missing.push(page as PageNo);
  }
  return missing;
}

/**
 * Fetches every page that is not resident, at the revision of the store's shape.
 * @param chunkBytes at most so many bytes a request
 * @throws {LacunaError} `REVISION_CHANGED` if the remote moved on, or what the transport reported
 */
export async function fetchMissing(
  store: PageStore,
  shape: DatabaseShape,
  transport: Transport,
  options: IngestOptions & { readonly chunkBytes?: number | undefined },
): Promise<void> {
  const { chunkBytes = Number.POSITIVE_INFINITY, signal } = options;
  const perRequest = Math.max(1, Math.floor(chunkBytes / shape.pageSize));
  const missing = missingPages(store, shape);
  for (let start = 0; start < missing.length; start += perRequest) {
    const pages = rangesInOrder(missing.slice(start, start + perRequest));
    const entries = transport.fetchPages(
      { revision: shape.revision, pages, urgency: "demand" },
      signal === undefined ? {} : { signal },
    );
    const before = store.resident().size;
    await ingest(store, shape, entries, options);
    const arrived = store.resident().size - before;
    if (arrived < countPages(pages)) {
      throw new LacunaError("SHORT_READ", `asked for ${countPages(pages)} pages, ${arrived} arrived`);
    }
  }
}
