import {
  closedError,
  type DatabaseShape,
  type PageEntry,
  type PageNo,
  type PageRange,
  PageSet,
  type PageStore,
} from "@lacuna/page";
import { heldPages } from "../held-pages.ts";
import { checkEntry, checkShape } from "../page-entries.ts";

/**
 * A page store in memory. It is gone with the process, has one owner by nature, and grows with what is put: whoever
 * fills it decides what to evict. What `put`, `reset`, `evict` and `setMeta` do is done when they return their promise.
 */
export function memoryStore(): PageStore {
  return new MemoryStore();
}

class MemoryStore implements PageStore {
  readonly #pages = new Map<PageNo, Uint8Array>();
  readonly #resident = new PageSet();
  #shape: DatabaseShape | undefined;
  #meta: Readonly<Record<string, string>> = Object.freeze({});
  #closed = false;

  shape(): DatabaseShape | undefined {
    return this.#shape;
  }

  resident(): PageSet {
    return this.#resident;
  }

  async reset(shape: DatabaseShape): Promise<void> {
    this.#checkOpen();
    checkShape(shape);
    this.#shape = { revision: shape.revision, pageSize: shape.pageSize, pageCount: shape.pageCount };
    this.#pages.clear();
    this.#resident.clear();
  }

  async get(pages: readonly PageNo[]): Promise<(Uint8Array | undefined)[]> {
    return pages.map((page) => this.getSync(page));
  }

  getSync(page: PageNo): Uint8Array | undefined {
    this.#checkOpen();
    return this.#pages.get(page)?.slice();
  }

  async put(entries: readonly PageEntry[]): Promise<void> {
    this.#checkOpen();
    for (const entry of entries) checkEntry(entry.page, entry.bytes.byteLength, this.#shape);
    for (const { page, bytes } of entries) {
      // `slice` of a Buffer would be a view of it.
      this.#pages.set(page, new Uint8Array(bytes));
      this.#resident.add(page);
    }
  }

  async evict(ranges: readonly PageRange[]): Promise<void> {
    this.#checkOpen();
    for (const page of heldPages(this.#resident, ranges)) {
      this.#resident.delete(page);
      this.#pages.delete(page);
    }
  }

  async flush(): Promise<void> {
    this.#checkOpen();
  }

  async setMeta(meta: Readonly<Record<string, string>>): Promise<void> {
    this.#checkOpen();
    this.#meta = Object.freeze({ ...meta });
  }

  meta(): Readonly<Record<string, string>> {
    return this.#meta;
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#pages.clear();
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError("the page store");
  }
}
