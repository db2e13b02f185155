import {
  type ByteFile,
  closedError,
  type DatabaseShape,
  LacunaError,
  type PageEntry,
  type PageNo,
  type PageRange,
  PageSet,
  type PageStore,
  type SideFile,
} from "@lacuna/page";
import { heldPages } from "../held-pages.ts";
import { afterEnd, checkEntry, checkShape, checkSuccessor } from "../page-entries.ts";
import type { MemoryBytes, MemoryFile } from "./memory-file.ts";

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
  readonly #files = new Map<SideFile, MemoryBytes>();
  /** Those open, and those being opened. */
  readonly #openFiles = new Map<SideFile, MemoryFile | undefined>();
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

  async adopt(shape: DatabaseShape, drop: readonly PageRange[]): Promise<void> {
    this.#checkOpen();
    checkSuccessor(shape, this.#shape);
    for (const page of heldPages(this.#resident, [...drop, ...afterEnd(shape)])) {
      this.#resident.delete(page);
      this.#pages.delete(page);
    }
    this.#shape = { revision: shape.revision, pageSize: shape.pageSize, pageCount: shape.pageCount };
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

  async openFile(name: SideFile): Promise<ByteFile> {
    this.#checkOpen();
    this.#checkFree(name);
    this.#openFiles.set(name, undefined);
    try {
      // Whoever only reads has no files beside the pages.
      const { MemoryBytes, MemoryFile } = await import("./memory-file.ts");
      this.#checkOpen();
      const bytes = this.#files.get(name) ?? new MemoryBytes();
      this.#files.set(name, bytes);
      const file = new MemoryFile(bytes, () => this.#openFiles.delete(name));
      this.#openFiles.set(name, file);
      return file;
    } catch (error) {
      this.#openFiles.delete(name);
      throw error;
    }
  }

  async removeFile(name: SideFile): Promise<void> {
    this.#checkOpen();
    this.#checkFree(name);
    this.#files.delete(name);
  }

  async close(): Promise<void> {
    this.#closed = true;
    for (const file of this.#openFiles.values()) await file?.close();
    this.#files.clear();
    this.#pages.clear();
  }

  #checkFree(name: SideFile): void {
    if (this.#openFiles.has(name)) throw new LacunaError("BUSY", `the file ${name} is open already`);
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError("the page store");
  }
}
