import { childPages, pageKind, parseDatabaseHeader } from "@lacuna/btree";
import {
  type ByteFile,
  type DatabaseShape,
  isLacunaError,
  LacunaError,
  type PageEntry,
  type PageNo,
  type PageRange,
  PageSet,
  type PageStore,
  pageNo,
  rangesInOrder,
  type SideFile,
} from "@lacuna/page";
import { Turns } from "../files/turns.ts";
import { checkEntry } from "../page-entries.ts";

export interface CappedStoreOptions {
  /** Bytes of pages to keep at most, from 1 MiB. Pages of the structure are kept in any case. */
  readonly maxBytes: number;
}

const LEAST_BYTES = 1 << 20;
/** Pages looked at together, to see what they are. */
const LOOK_PAGES = 64;

/**
 * The same store within a limit: before it takes pages that would be too many, it forgets those that were put or read the
 * longest ago, some more than necessary, so that this is not done for each page. The schema and the interior pages of trees
 * stay, without which a lookup would have to ask for every level. Of more pages than the limit, put at once, the last ones
 * stay. What was written locally is beside the pages, and is never touched.
 *
 * Where the storage is full before, half of what can be forgotten makes room for what is to be written, once.
 *
 * @throws {LacunaError} `INVALID_OPTION`
 */
export function cappedStore(store: PageStore, { maxBytes }: CappedStoreOptions): PageStore {
  if (!Number.isSafeInteger(maxBytes) || maxBytes < LEAST_BYTES) {
    throw new LacunaError(
      "INVALID_OPTION",
      `maxBytes must be an integer from ${LEAST_BYTES}, got ${maxBytes}`,
    );
  }
  return new CappedStore(store, maxBytes);
}

class CappedStore implements PageStore {
  readonly getSync?: NonNullable<PageStore["getSync"]>;
  readonly #store: PageStore;
  readonly #maxBytes: number;
  readonly #turns = new Turns();
  /** Pages put or read since it was opened, the longest ago first. */
  #recent = new Map<PageNo, true>();
  #structure = new PageSet();
  /** Of which is known what they are. */
  #known = new PageSet();
  #closing: Promise<void> | undefined;

  constructor(store: PageStore, maxBytes: number) {
    this.#store = store;
    this.#maxBytes = maxBytes;
    const getSync = store.getSync?.bind(store);
    if (getSync !== undefined) {
      this.getSync = (page, into) => {
        const bytes = getSync(page, into);
        if (bytes !== undefined) this.#touch(page);
        return bytes;
      };
    }
  }

  shape(): DatabaseShape | undefined {
    return this.#store.shape();
  }

  resident(): PageSet {
    return this.#store.resident();
  }

  reset({ revision, pageSize, pageCount }: DatabaseShape): Promise<void> {
    return this.#turns.take(async () => {
      await this.#store.reset({ revision, pageSize, pageCount });
      this.#recent = new Map();
      this.#structure = new PageSet();
      this.#known = new PageSet();
    });
  }

  adopt({ revision, pageSize, pageCount }: DatabaseShape, drop: readonly PageRange[]): Promise<void> {
    const ranges = copied(drop);
    return this.#turns.take(() => this.#store.adopt({ revision, pageSize, pageCount }, ranges));
  }

  async get(pages: readonly PageNo[]): Promise<(Uint8Array | undefined)[]> {
    const found = await this.#store.get(pages);
    for (const [at, page] of pages.entries()) if (found[at] !== undefined) this.#touch(page);
    return found;
  }

  put(entries: readonly PageEntry[]): Promise<void> {
    // Room may have to be made first, and the bytes may be others by then.
    const own = entries.map(({ page, bytes }) => ({ page, bytes: bytes.slice() }));
    return this.#turns.take(() => this.#put(own));
  }

  async #put(entries: readonly PageEntry[]): Promise<void> {
    const shape = this.shape();
    // Before anything is kept, as some of it may be kept on its own.
    for (const { page, bytes } of entries) checkEntry(page, bytes.byteLength, shape);
    const { pageSize = 1 } = shape ?? {};
    const most = Math.floor(this.#maxBytes / 4 / pageSize);
    for (let at = 0; at === 0 || at < entries.length; at += most) {
      await this.#putSome(entries.slice(at, at + most), pageSize);
    }
  }

  async #putSome(entries: readonly PageEntry[], pageSize: number): Promise<void> {
    const resident = this.resident();
    const coming = new PageSet(entries.map(({ page }) => page));
    const added = [...coming].filter((page) => !resident.has(page)).length;
    const excess = (resident.size + added) * pageSize - this.#maxBytes;
    // An eighth more, so that the next ones find room.
    if (excess > 0) await this.#forget(Math.ceil((excess + this.#maxBytes / 8) / pageSize), coming);
    await this.#withRoom(() => this.#store.put(entries), coming);
    for (const { page, bytes } of entries) {
      this.#recognise(page, bytes);
      this.#touch(page);
    }
  }

  evict(ranges: readonly PageRange[]): Promise<void> {
    const own = copied(ranges);
    return this.#turns.take(() => this.#store.evict(own));
  }

  flush(): Promise<void> {
    return this.#turns.take(() => this.#withRoom(() => this.#store.flush()));
  }

  setMeta(meta: Readonly<Record<string, string>>): Promise<void> {
    const own = { ...meta };
    return this.#turns.take(() => this.#store.setMeta(own));
  }

  meta(): Readonly<Record<string, string>> {
    return this.#store.meta();
  }

  async openFile(name: SideFile): Promise<ByteFile> {
    const file = await this.#store.openFile(name);
    const readSync = file.readSync?.bind(file);
    return {
      size: () => file.size(),
      read: (into, position) => file.read(into, position),
      ...(readSync && { readSync }),
      write: (bytes, position) => this.#withRoom(() => file.write(bytes, position)),
      truncate: (size) => file.truncate(size),
      sync: () => this.#withRoom(() => file.sync()),
      close: () => file.close(),
    };
  }

  removeFile(name: SideFile): Promise<void> {
    return this.#store.removeFile(name);
  }

  close(): Promise<void> {
    this.#closing ??= this.#turns.take(() => this.#store.close());
    return this.#closing;
  }

  #touch(page: PageNo): void {
    this.#recent.delete(page);
    this.#recent.set(page, true);
  }

  /** Tries again, once, after it has made room. */
  async #withRoom<T>(work: () => Promise<T>, needed = new PageSet()): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (!isLacunaError(error, "STORAGE_FULL")) throw error;
      const forgotten = await this.#forget(Math.ceil(this.resident().size / 2), needed).catch(() => 0);
      if (forgotten === 0) throw error;
      return work();
    }
  }

  /** @returns how many were forgotten: fewer where the rest is structure */
  async #forget(count: number, needed: PageSet): Promise<number> {
    await this.#findSchema();
    const victims = new PageSet();
    for (const candidates of this.#oldestFirst(needed)) {
      await this.#look(candidates);
      for (const page of candidates) {
        if (victims.size < count && !this.#structure.has(page)) victims.add(page);
      }
      if (victims.size >= count) break;
    }
    await this.#store.evict(rangesInOrder(victims));
    for (const page of victims) this.#recent.delete(page);
    return victims.size;
  }

  /** What is held and not needed, a few at a time: first what nobody has touched since the store was opened. */
  *#oldestFirst(needed: PageSet): Generator<PageNo[], void, undefined> {
    const resident = this.resident();
    const untouched = [...resident].filter((page) => !this.#recent.has(page));
    let some: PageNo[] = [];
    for (const pages of [untouched, [...this.#recent.keys()]]) {
      for (const page of pages) {
        if (needed.has(page) || !resident.has(page)) continue;
        some.push(page);
        if (some.length < LOOK_PAGES) continue;
        yield some;
        some = [];
      }
    }
    if (some.length > 0) yield some;
  }

  async #look(pages: readonly PageNo[]): Promise<void> {
    const unknown = pages.filter((page) => !this.#known.has(page));
    if (unknown.length === 0) return;
    const found = await this.#store.get(unknown);
    for (const [at, page] of unknown.entries()) {
      const bytes = found[at];
      if (bytes !== undefined) this.#recognise(page, bytes);
    }
  }

  #recognise(page: PageNo, bytes: Uint8Array): void {
    this.#known.add(page);
    if (page === 1 || pageKind(page, bytes)?.endsWith("interior") === true) this.#structure.add(page);
    else this.#structure.delete(page);
  }

  /** A schema that does not fit on page 1 is on the pages below. */
  async #findSchema(): Promise<void> {
    const [first] = await this.#store.get([pageNo(1)]);
    if (first === undefined || first.length < 100) return;
    let usableSize: number;
    try {
      usableSize = parseDatabaseHeader(first).usableSize;
    } catch {
      return;
    }
    for (const page of childPages(pageNo(1), first, usableSize) ?? []) {
      this.#known.add(page);
      this.#structure.add(page);
    }
  }
}

const copied = (ranges: readonly PageRange[]): PageRange[] =>
  ranges.map(({ first, last }) => ({ first, last }));
