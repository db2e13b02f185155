import {
  BtreePage,
  childPages,
  type DatabaseHeader,
  overflowChains,
  type PageKind,
  pageKind,
  parseDatabaseHeader,
  type Schema,
  SchemaTask,
} from "@lacuna/btree";
import { lockBytePage, pointerMapPages } from "@lacuna/btree/check";
import { isLacunaError, type PageNo } from "@lacuna/page";

/** What a page is, as far as the pages read so far tell. */
export type KnownKind =
  | PageKind
  | "table page"
  | "index page"
  | "overflow"
  | "free page"
  | "pointer map"
  | "lock byte"
  | "unknown";

/** What pages belong to: a table, an index, or the housekeeping of the file. */
export interface Tree {
  readonly name: string;
  readonly kind: "table" | "index" | "other";
  /** The table of an index. */
  readonly of: string | undefined;
  readonly root: PageNo | undefined;
}

const KINDS: readonly KnownKind[] = [
  "unknown",
  "table page",
  "index page",
  "table-interior",
  "table-leaf",
  "index-interior",
  "index-leaf",
  "overflow",
  "free page",
  "pointer map",
  "lock byte",
];

/**
 * Which page belongs to which tree, learnt from the pages that are here: their interior pages name their children, also those
 * that are not. Three bytes a page. It reads nothing itself: `wanted` says which resident pages it can learn from, and
 * `supply` takes them.
 */
export class TreeMap {
  readonly pageCount: number;
  /** Tables and indexes in the order of the schema, `sqlite_schema` first, and at the end what belongs to no tree. */
  readonly trees: readonly Tree[];
  readonly #owners: Uint16Array;
  readonly #kinds: Uint8Array;
  readonly #header: DatabaseHeader;
  readonly #known = new Set<PageNo>();
  readonly #chains = new Map<PageNo, number>();

  constructor(header: DatabaseHeader, pageCount: number, schema: Schema) {
    this.pageCount = pageCount;
    this.#header = header;
    this.#owners = new Uint16Array(pageCount + 1);
    this.#kinds = new Uint8Array(pageCount + 1);
    const trees: Tree[] = [{ name: "sqlite_schema", kind: "table", of: undefined, root: 1 as PageNo }];
    for (const { name, rootPage } of schema.tables) {
      if (rootPage !== undefined) trees.push({ name, kind: "table", of: undefined, root: rootPage });
    }
    for (const { name, tableName, rootPage } of schema.indexes) {
      if (rootPage !== undefined) trees.push({ name, kind: "index", of: tableName, root: rootPage });
    }
    this.trees = [...trees, { name: "free and other pages", kind: "other", of: undefined, root: undefined }];
    for (const [index, { root, kind }] of trees.entries()) {
      if (root !== undefined) this.#claim(root, index, kind === "table" ? "table page" : "index page");
    }
    this.#claimOthers();
  }

  /** The tree that the page belongs to, as a position in `trees`. */
  treeIndex(page: number): number | undefined {
    const owner = this.#owners[page] ?? 0;
    return owner === 0 ? undefined : owner - 1;
  }

  kind(page: number): KnownKind {
    return KINDS[this.#kinds[page] ?? 0] as KnownKind;
  }

  /** Pages that are here and have more to tell. @param isResident whether a page can be supplied */
  wanted(isResident: (page: PageNo) => boolean): PageNo[] {
    return [...this.#known].filter(isResident);
  }

  /** Learns from a page that `wanted` named. Bytes that contradict the format teach nothing. */
  supply(page: PageNo, bytes: Uint8Array): void {
    if (!this.#known.delete(page)) return;
    const owner = this.treeIndex(page) ?? 0;
    const kind = this.kind(page);
    if (kind === "overflow") this.#supplyOverflow(page, owner, bytes);
    else if (kind === "free page") this.#supplyTrunk(page, bytes);
    else this.#supplyTreePage(page, owner, bytes);
  }

  #supplyTreePage(page: PageNo, owner: number, bytes: Uint8Array): void {
    const kind = pageKind(page, bytes);
    if (kind === undefined) return;
    this.#kinds[page] = KINDS.indexOf(kind);
    const { usableSize } = this.#header;
    const below = kind.startsWith("table") ? "table page" : "index page";
    for (const child of childPages(page, bytes, usableSize) ?? []) this.#claim(child, owner, below);
    if (kind === "table-interior") return;
    try {
      for (const { first, pages } of overflowChains(new BtreePage(page, bytes, usableSize))) {
        this.#claimOverflow(first, owner, pages);
      }
    } catch (error) {
      if (!isLacunaError(error, "CORRUPT_PAGE")) throw error;
    }
  }

  #supplyOverflow(page: PageNo, owner: number, bytes: Uint8Array): void {
    const left = (this.#chains.get(page) ?? 1) - 1;
    this.#chains.delete(page);
    if (left > 0) this.#claimOverflow(readU32(bytes, 0) as PageNo, owner, left);
  }

  #supplyTrunk(page: PageNo, bytes: Uint8Array): void {
    const others = this.trees.length - 1;
    const most = Math.floor(this.#header.usableSize / 4) - 2;
    const leaves = Math.min(readU32(bytes, 4), most);
    for (let leaf = 0; leaf < leaves; leaf++) {
      const free = readU32(bytes, 8 + 4 * leaf) as PageNo;
      this.#claim(free, others, "free page");
      this.#known.delete(free);
    }
    const next = readU32(bytes, 0);
    if (next !== 0 && next !== page) this.#claim(next as PageNo, others, "free page");
  }

  #claimOverflow(page: PageNo, owner: number, pages: number): void {
    if (this.#claim(page, owner, "overflow")) this.#chains.set(page, pages);
  }

  #claimOthers(): void {
    const others = this.trees.length - 1;
    const lock = lockBytePage(this.#header.pageSize);
    const single: [PageNo, KnownKind][] = [[lock, "lock byte"]];
    for (const { page } of pointerMapPages(this.#header, this.pageCount)) single.push([page, "pointer map"]);
    for (const [page, kind] of single) {
      this.#claim(page, others, kind);
      this.#known.delete(page);
    }
    const trunk = this.#header.firstFreelistTrunk;
    if (trunk !== undefined) this.#claim(trunk, others, "free page");
  }

  /** A page belongs to the first that claims it, so damaged files cannot make this go on for ever. */
  #claim(page: PageNo, owner: number, kind: KnownKind): boolean {
    if (page < 1 || page > this.pageCount || this.#owners[page] !== 0) return false;
    this.#owners[page] = owner + 1;
    this.#kinds[page] = KINDS.indexOf(kind);
    this.#known.add(page);
    return true;
  }
}

/**
 * Reads the schema out of the pages that are here.
 * @returns `undefined` while a page of the schema is missing, and where it cannot be read
 */
export async function readTreeMap(
  pageCount: number,
  get: (page: PageNo) => Promise<Uint8Array | undefined>,
): Promise<TreeMap | undefined> {
  const first = await get(1 as PageNo);
  if (first === undefined) return undefined;
  try {
    const header = parseDatabaseHeader(first);
    const task = new SchemaTask(header, pageCount);
    for (;;) {
      const step = task.step();
      if (typeof step === "boolean") return new TreeMap(header, pageCount, task.result);
      const bytes = await get(step);
      if (bytes === undefined) return undefined;
      task.supply(step, bytes);
    }
  } catch (error) {
    // The map does without trees; what is wrong is told to whoever queries.
    if (isLacunaError(error)) return undefined;
    throw error;
  }
}

const readU32 = (bytes: Uint8Array, at: number): number =>
  new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(at);
