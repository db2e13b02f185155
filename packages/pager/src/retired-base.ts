import {
  type DatabaseShape,
  LacunaError,
  type PageNo,
  PageSet,
  type PageStore,
  type PrefetchSource,
  type Revision,
} from "@lacuna/page";

const BATCH_PAGES = 256;

/**
 * What is left of a revision that the replica has moved on from: pages that were resident. Those that the new revision
 * has too are still in the store; the others are kept here.
 */
export class RetiredBase implements PrefetchSource {
  readonly revision: Revision;
  readonly pageSize: number;
  readonly pageCount: number;
  readonly #store: PageStore;
  // Pages whose bytes in the store are those of this revision.
  readonly #stored: PageSet;
  readonly #kept = new Map<PageNo, Uint8Array>();

  /** The pages resident now are those of `shape`. */
  constructor(shape: DatabaseShape, store: PageStore) {
    this.revision = shape.revision;
    this.pageSize = shape.pageSize;
    this.pageCount = shape.pageCount;
    this.#store = store;
    this.#stored = new PageSet(store.resident());
  }

  /** Takes the pages that are not in `keep` out of the store, before they are replaced there. */
  async preserve(keep: PageSet): Promise<void> {
    const going = [...this.#stored].filter((page) => !keep.has(page));
    for (let start = 0; start < going.length; start += BATCH_PAGES) {
      const pages = going.slice(start, start + BATCH_PAGES);
      const found = await this.#store.get(pages);
      for (const [i, page] of pages.entries()) {
        const bytes = found[i];
        if (bytes !== undefined) this.#kept.set(page, bytes);
        this.#stored.delete(page);
      }
    }
  }

  peek(page: PageNo): Uint8Array | undefined {
    return this.#kept.get(page) ?? (this.#stored.has(page) ? this.#store.getSync?.(page) : undefined);
  }

  async read(page: PageNo): Promise<Uint8Array> {
    const here = this.peek(page);
    if (here !== undefined) return here;
    if (this.#stored.has(page)) {
      const [bytes] = await this.#store.get([page]);
      // The store may have taken other bytes meanwhile.
      if (bytes !== undefined && this.#stored.has(page)) return bytes;
    }
    const kept = this.#kept.get(page);
    if (kept !== undefined) return kept;
    throw new LacunaError("REVISION_CHANGED", `the replica has moved on from revision ${this.revision}`, {
      page,
    });
  }

  async prefetch(): Promise<void> {}
}
