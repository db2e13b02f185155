import {
  childPages,
  findByName,
  overflowChains,
  pageKind,
  parseDatabaseHeader,
  parsePage,
  runTask,
  type Schema,
  SchemaTask,
} from "@lacuna/btree";
import type { SegmentCache } from "@lacuna/cache";
import {
  isLacunaError,
  LacunaError,
  type PageNo,
  PageSet,
  type PageStore,
  pageNo,
  type Transport,
} from "@lacuna/page";
import type { IngestOptions } from "./ingest.ts";
import { missingPages } from "./ingest.ts";

/** What is to be brought: the pages that a query touches, a table with its indexes, or everything. */
export type HydrationTarget =
  | { readonly kind: "query"; readonly sql: string }
  | { readonly kind: "table"; readonly name: string }
  | { readonly kind: "all" };

/** What a hydration works with: the pages of one revision. */
export interface HydrationSide {
  readonly cache: SegmentCache;
  readonly store: PageStore;
  readonly transport: Transport | undefined;
}

/** Pages asked for at a time; the next ones are asked for before these have come. */
const CHUNK_PAGES = 2048;

/**
 * Brings pages so that they are here, and makes them durable. A table comes with its indexes and overflow pages, level by level of
 * its trees; a virtual table with the tables that belong to it.
 * @returns false if the remote cannot say what a query touches: then nothing was done
 * @throws {LacunaError} `INVALID_OPTION` if there is no such table; `STORAGE_FULL` if the store took not all of them; what the
 *   remote reported
 * @throws `options.signal.reason` if aborted; what came by then is kept
 */
export async function hydrate(
  side: HydrationSide,
  target: HydrationTarget,
  options: IngestOptions = {},
): Promise<boolean> {
  options.signal?.throwIfAborted();
  const hydration = new Hydration(side, options);
  if (target.kind === "query") {
    if (!(await hydration.query(target.sql))) return false;
  } else if (target.kind === "table") await hydration.table(target.name);
  else await hydration.bring(missingPages(side.store, side.cache));
  await side.store.flush();
  return true;
}

/** The rest of a chain of overflow pages. */
interface Chain {
  readonly next: number;
  /** Pages from there on. */
  readonly left: number;
}

class Hydration {
  readonly #cache: SegmentCache;
  readonly #store: PageStore;
  readonly #transport: Transport | undefined;
  readonly #options: IngestOptions;
  readonly #residentBefore: number;
  readonly #seen = new PageSet();

  constructor({ cache, store, transport }: HydrationSide, options: IngestOptions) {
    this.#cache = cache;
    this.#store = store;
    this.#transport = transport;
    this.#options = options;
    this.#residentBefore = store.resident().size;
  }

  /** @returns false if the remote runs no queries */
  async query(sql: string): Promise<boolean> {
    const { signal } = this.#options;
    const held = this.#store.resident();
    const request = { revision: this.#cache.revision, sql, held };
    const given = signal === undefined ? {} : { signal };
    const batches = this.#transport?.queryPages?.(request, given);
    if (batches === undefined) return false;
    try {
      for await (const batch of batches) {
        await this.#cache.accept(batch, "hydrate");
        this.#tell();
      }
    } catch (error) {
      if (isLacunaError(error, "NOT_SUPPORTED")) return false;
      throw error;
    }
    await this.#cache.flush();
    this.#tell();
    return true;
  }

  async table(name: string): Promise<void> {
    const { pageCount } = this.#cache;
    if (pageCount === 0) throw noTable(name, undefined);
    const header = parseDatabaseHeader(await this.#read(pageNo(1)));
    const schema = await runTask(new SchemaTask(header, pageCount), this.#cache, this.#options);
    const roots = rootsOf(schema, name);
    if (roots === undefined) throw noTable(name, schema);
    let level: PageNo[] = roots;
    while (level.length > 0) level = await this.#level(level, header.usableSize);
  }

  /** Brings pages, and resolves when the store has them. */
  async bring(wanted: readonly PageNo[]): Promise<void> {
    const resident = this.#store.resident();
    const pages = wanted.filter((page) => !resident.has(page));
    const chunks: PageNo[][] = [];
    for (let at = 0; at < pages.length; at += CHUNK_PAGES) chunks.push(pages.slice(at, at + CHUNK_PAGES));
    let coming = this.#ask(chunks[0] ?? []);
    for (const [nth, chunk] of chunks.entries()) {
      const after = this.#ask(chunks[nth + 1] ?? []);
      await coming;
      coming = after;
      await this.#complete(chunk);
      this.#tell();
    }
  }

  /** Brings the pages of one level of trees, with their overflow pages. @returns the level below */
  async #level(pages: readonly PageNo[], usableSize: number): Promise<PageNo[]> {
    await this.bring(pages);
    const below: PageNo[] = [];
    const chains: Chain[] = [];
    for (const page of pages) {
      const bytes = await this.#read(page);
      for (const child of childPages(page, bytes, usableSize) ?? []) {
        if (this.#isNew(child)) below.push(child);
      }
      if (pageKind(page, bytes) === undefined) continue;
      for (const { first, pages: left } of overflowChains(parsePage(page, bytes, usableSize))) {
        chains.push({ next: first, left });
      }
    }
    await this.#follow(chains);
    return below;
  }

  /** Chains are mostly pages that follow each other; where they are not, they are asked for again from there. */
  async #follow(chains: readonly Chain[]): Promise<void> {
    let open = chains;
    for (let longest = Number.POSITIVE_INFINITY; open.length > 0; longest = 1) {
      const guessed = new PageSet();
      for (const { next, left } of open) {
        const last = Math.min(next + Math.min(left, longest) - 1, this.#cache.pageCount);
        for (let page = next; page <= last; page++) guessed.add(page as PageNo);
      }
      await this.bring([...guessed]);
      const turned: Chain[] = [];
      for (const chain of open) {
        const rest = await this.#goAlong(chain);
        if (rest !== undefined) turned.push(rest);
      }
      open = turned;
    }
  }

  /** Follows a chain over pages that are here. @returns what is left of it */
  async #goAlong({ next, left }: Chain): Promise<Chain | undefined> {
    let page = next;
    let after = left;
    while (after > 0 && page >= 2 && page <= this.#cache.pageCount) {
      if (!this.#store.resident().has(page as PageNo)) return { next: page, left: after };
      if (!this.#isNew(page as PageNo)) return undefined;
      const bytes = await this.#read(page as PageNo);
      page = new DataView(bytes.buffer, bytes.byteOffset, 4).getUint32(0);
      after--;
    }
    return undefined;
  }

  /** @returns false for a page that was come to before, or cannot be: a damaged tree must end, too */
  #isNew(page: PageNo): boolean {
    return page <= this.#cache.pageCount && this.#seen.add(page);
  }

  #ask(pages: readonly PageNo[]): Promise<void> {
    const { signal } = this.#options;
    return pages.length === 0 ? Promise.resolve() : this.#cache.prefetch(pages, { signal, cause: "hydrate" });
  }

  /** Sees to it that the store has the pages that were asked for. */
  async #complete(pages: readonly PageNo[]): Promise<void> {
    const resident = this.#store.resident();
    let left: readonly PageNo[] = pages;
    for (;;) {
      this.#options.signal?.throwIfAborted();
      await this.#cache.flush();
      const missing: PageNo[] = left.filter((page) => !resident.has(page));
      const [first] = missing;
      if (first === undefined) return;
      // A prefetch does not say why it failed; reading does, or brings the page after all.
      await this.#cache.read(first, { signal: this.#options.signal });
      await this.#ask(missing);
      await this.#cache.flush();
      if (!resident.has(first)) {
        const message = "the local storage did not keep the page: all of it together is more than it holds";
        throw new LacunaError("STORAGE_FULL", message, { page: first });
      }
      left = missing;
    }
  }

  /** A page that was brought, without counting as its reader where that can be helped. */
  async #read(page: PageNo): Promise<Uint8Array> {
    this.#options.signal?.throwIfAborted();
    // The cache may use its bytes again before the walk comes to them.
    return (
      this.#cache.glance(page)?.slice() ?? (await this.#cache.read(page, { signal: this.#options.signal }))
    );
  }

  #tell(): void {
    const pages = this.#store.resident().size;
    const { pageCount, pageSize } = this.#cache;
    this.#options.onProgress?.({ pages, pageCount, bytes: (pages - this.#residentBefore) * pageSize });
  }
}

/** The roots of a table and of its indexes, or of the tables behind a virtual one; `undefined` if there is none. */
function rootsOf(schema: Schema, name: string): PageNo[] | undefined {
  const table = findByName(schema.tables, name);
  if (table === undefined) return undefined;
  // Their names begin with that of the virtual table.
  const shadow = `${table.name}_`.toLowerCase();
  const names = new Set([table.name.toLowerCase()]);
  for (const other of table.virtual ? schema.tables : []) {
    if (other.name.toLowerCase().startsWith(shadow)) names.add(other.name.toLowerCase());
  }
  const trees = [
    ...schema.tables.filter((each) => names.has(each.name.toLowerCase())),
    ...schema.indexes.filter((each) => names.has(each.tableName.toLowerCase())),
  ];
  return trees.flatMap(({ rootPage }) => (rootPage === undefined ? [] : [rootPage]));
}

function noTable(name: string, schema: Schema | undefined): LacunaError {
  const known = schema?.tables.map((table) => table.name).join(", ") || "none";
  return new LacunaError("INVALID_OPTION", `there is no table ${name}; there are ${known}`);
}
