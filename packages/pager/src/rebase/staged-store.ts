import {
  type ByteFile,
  type DatabaseShape,
  LacunaError,
  type PageEntry,
  type PageNo,
  type PageRange,
  PageSet,
  type PageStore,
  pagesOf,
} from "@lacuna/page";

/** The pages of the new revision that came with the step. */
export interface StepPages {
  readonly file: ByteFile;
  /** Where each starts. */
  readonly offsets: ReadonlyMap<PageNo, number>;
}

/**
 * What a store will hold once it has moved to another revision, before it has: pages that are the same in both from the
 * store, new ones from the step, and in memory those that are fetched meanwhile.
 */
export class StagedStore implements PageStore {
  readonly #store: PageStore;
  readonly #shape: DatabaseShape;
  readonly #step: StepPages;
  readonly #fetched = new Map<PageNo, Uint8Array>();
  readonly #resident: PageSet;
  readonly getSync?: (page: PageNo) => Uint8Array | undefined;

  constructor(store: PageStore, shape: DatabaseShape, keep: PageSet, step: StepPages) {
    this.#store = store;
    this.#shape = shape;
    this.#step = step;
    const stored = store.resident();
    this.#resident = new PageSet([...keep].filter((page) => page <= shape.pageCount && stored.has(page)));
    for (const page of step.offsets.keys()) this.#resident.add(page);
    if (store.getSync !== undefined && step.file.readSync !== undefined) {
      this.getSync = (page) => this.#getSync(page);
    }
  }

  shape(): DatabaseShape {
    return this.#shape;
  }

  resident(): PageSet {
    return this.#resident;
  }

  async get(pages: readonly PageNo[]): Promise<(Uint8Array | undefined)[]> {
    return Promise.all(pages.map((page) => this.#get(page)));
  }

  async put(entries: readonly PageEntry[]): Promise<void> {
    for (const { page, bytes } of entries) {
      this.#fetched.set(page, new Uint8Array(bytes));
      this.#resident.add(page);
    }
  }

  /** The pages that were fetched meanwhile. */
  fetched(): PageEntry[] {
    return [...this.#fetched].map(([page, bytes]) => ({ page, bytes }));
  }

  async evict(ranges: readonly PageRange[]): Promise<void> {
    for (const page of pagesOf(ranges)) {
      this.#resident.delete(page);
      this.#fetched.delete(page);
    }
  }

  async flush(): Promise<void> {}

  meta(): Readonly<Record<string, string>> {
    return this.#store.meta();
  }

  reset(): Promise<void> {
    throw unsupported();
  }

  adopt(): Promise<void> {
    throw unsupported();
  }

  setMeta(): Promise<void> {
    throw unsupported();
  }

  openFile(): Promise<ByteFile> {
    throw unsupported();
  }

  removeFile(): Promise<void> {
    throw unsupported();
  }

  async close(): Promise<void> {}

  async #get(page: PageNo): Promise<Uint8Array | undefined> {
    if (!this.#resident.has(page)) return undefined;
    const fetched = this.#fetched.get(page);
    if (fetched !== undefined) return fetched.slice();
    const offset = this.#step.offsets.get(page);
    if (offset === undefined) {
      const [bytes] = await this.#store.get([page]);
      return this.#found(page, bytes);
    }
    const bytes = new Uint8Array(this.#shape.pageSize);
    await this.#step.file.read(bytes, offset);
    return bytes;
  }

  #getSync(page: PageNo): Uint8Array | undefined {
    if (!this.#resident.has(page)) return undefined;
    const fetched = this.#fetched.get(page);
    if (fetched !== undefined) return fetched.slice();
    const offset = this.#step.offsets.get(page);
    if (offset === undefined) return this.#found(page, this.#store.getSync?.(page));
    const bytes = new Uint8Array(this.#shape.pageSize);
    this.#step.file.readSync?.(bytes, offset);
    return bytes;
  }

  /** A page that the store turned out not to have is not resident here either. */
  #found(page: PageNo, bytes: Uint8Array | undefined): Uint8Array | undefined {
    if (bytes === undefined) this.#resident.delete(page);
    return bytes;
  }
}

function unsupported(): LacunaError {
  return new LacunaError("NOT_SUPPORTED", "the store is moving to another revision");
}
