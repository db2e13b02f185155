import { entryRowids, pageKind, parsePage, type Rowid } from "@lacuna/btree";
import { type AccessEvent, isLacunaError, type PageNo, type Predictor } from "@lacuna/page";
import { atLeast } from "./check-option.ts";
import type { InteriorPages } from "./interior-pages.ts";
import type { Peek } from "./peek.ts";
import { holds, RowWalk } from "./row-walk.ts";
import { interiorPages, type ScanPredictorOptions } from "./scan-predictor.ts";
import { TableInteriors } from "./table-interiors.ts";

export interface IndexRowsPredictorOptions extends Pick<ScanPredictorOptions, "usableSize" | "maxChildren"> {
  /** Shows a page that is here, to see where its entries lead. Must not wait. */
  readonly peek: Peek;
  /**
   * Entries whose rows are to be ahead of the reader at first; doubles while the reader follows.
   * @default 4
   */
  readonly firstWindow?: number | undefined;
  /**
   * The same at most.
   * @default 1024
   */
  readonly maxWindow?: number | undefined;
}

/** Walks from an index to a table followed at the same time. */
const MAX_WALKS = 8;
/** Pages remembered as named; with more, all are forgotten. */
const MAX_NAMED = 16_384;

/** A row that was named: by its page, or by one above it that has to come first. */
interface NamedRow {
  readonly walk: RowWalk;
  readonly leaf: PageNo;
  readonly position: number;
  readonly rowid: Rowid;
}

/**
 * Predicts the pages of a table that the entries of an index lead to, when a reader goes from the row of one entry to the row of
 * the next: for 4, 8, 16 and so on of the entries after it, found through the interior pages of the table that are here. An
 * interior page that is not is predicted first. Looking up single keys predicts nothing.
 *
 * @throws {LacunaError} `INVALID_OPTION` for an option out of range
 */
export function indexRowsPredictor(options: IndexRowsPredictorOptions): Predictor {
  return new IndexRowsPredictor(options, interiorPages(options));
}

const NONE: readonly PageNo[] = [];

export class IndexRowsPredictor implements Predictor {
  readonly cause = "index-rows";
  readonly #usableSize: number;
  readonly #pages: InteriorPages;
  readonly #peek: Peek;
  readonly #tables: TableInteriors;
  readonly #windows: { readonly first: number; readonly most: number };
  #walks: RowWalk[] = [];
  /** The index leaf a reader was at last. */
  #leaf: PageNo | undefined;
  /** The last row named for each page. */
  readonly #named = new Map<PageNo, NamedRow>();
  /** Rows whose page is not known before one above it is here. */
  #unresolved: NamedRow[] = [];
  #time = 0;

  constructor(options: IndexRowsPredictorOptions, pages: InteriorPages) {
    this.#usableSize = options.usableSize;
    this.#pages = pages;
    this.#peek = options.peek;
    this.#tables = new TableInteriors(options.usableSize, pages, options.peek);
    const most = atLeast(1, "maxWindow", options.maxWindow ?? 1024);
    this.#windows = { first: Math.min(atLeast(1, "firstWindow", options.firstWindow ?? 4), most), most };
  }

  observe({ page, bytes, miss }: AccessEvent): void {
    if (bytes !== undefined && pageKind(page, bytes) === "index-leaf") {
      this.#leaf = page;
      return;
    }
    const named = this.#named.size === 0 ? undefined : this.#named.get(page);
    if (named !== undefined) this.#reached(page, named);
    if (bytes === undefined) return;
    this.#pages.see(page, bytes);
    // Only of a leaf it is certain enough for which row it was read.
    if (!miss || named !== undefined || this.#leaf === undefined) return;
    if (pageKind(page, bytes) === "table-leaf") this.#missed(page, this.#leaf);
  }

  predict(limit: number): readonly PageNo[] {
    if (this.#walks.length === 0) return NONE;
    const pages = new Set<PageNo>();
    const waiting = this.#unresolved;
    this.#unresolved = [];
    for (const row of waiting) if (row.walk.going) this.#name(row, pages);
    for (const walk of this.#walks) {
      while (walk.going && pages.size < limit) {
        const entry = walk.take();
        if (entry === undefined) break;
        this.#name({ walk, leaf: walk.leaf, ...entry }, pages);
      }
    }
    // What is beyond the limit is left to the reader.
    return [...pages].slice(0, limit);
  }

  reset(): void {
    this.#walks = [];
    this.#leaf = undefined;
    this.#named.clear();
    this.#unresolved = [];
    this.#time = 0;
    this.#pages.clear();
    this.#tables.clear();
  }

  /** A reader is at a page that was named. */
  #reached(page: PageNo, { walk, leaf, position }: NamedRow): void {
    this.#named.delete(page);
    walk.movedAt = ++this.#time;
    if (walk.leaf === leaf && (position - walk.position) * walk.step > 0) walk.reach(position);
  }

  /** A leaf came that was not named: is it one of a table to which the index leaf points? */
  #missed(page: PageNo, leaf: PageNo): void {
    const rows = this.#tables.rowsOf(page);
    if (rows === undefined) return;
    const { root } = this.#pages.rootOf(page);
    const walk = this.#walks.find((each) => each.root === root);
    if (walk === undefined) {
      const rowids = this.#rowidsOn(leaf);
      const position = rowids.findIndex((rowid) => holds(rows, rowid));
      if (position >= 0) this.#add(new RowWalk(root, leaf, rowids, position, this.#windows));
      return;
    }
    walk.movedAt = ++this.#time;
    if (walk.leaf !== leaf) {
      walk.turnTo(leaf, this.#rowidsOn(leaf), this.#stepBetween(walk.leaf, leaf) === walk.step);
    }
    walk.miss(rows);
  }

  #add(walk: RowWalk): void {
    walk.movedAt = ++this.#time;
    if (this.#walks.length === MAX_WALKS) {
      const oldest = this.#walks.reduce((a, b) => (b.movedAt < a.movedAt ? b : a));
      this.#walks = this.#walks.filter((each) => each !== oldest);
    }
    this.#walks.push(walk);
  }

  /** Which way from one leaf of an index to the next; `undefined` if they are not known to be neighbours. */
  #stepBetween(from: PageNo, to: PageNo): 1 | -1 | undefined {
    const [one, other] = [this.#pages.find(from), this.#pages.find(to)];
    const [parent, otherParent] = [this.#pages.parentAt(one), this.#pages.parentAt(other)];
    if (parent === undefined || otherParent === undefined) return undefined;
    if (parent !== otherParent) {
      return ([1, -1] as const).find((step) => this.#pages.neighbour(parent, step) === otherParent);
    }
    const distance = this.#pages.positionAt(other) - this.#pages.positionAt(one);
    return distance === 1 || distance === -1 ? distance : undefined;
  }

  #name(row: NamedRow, pages: Set<PageNo>): void {
    const { walk, rowid } = row;
    const found = this.#tables.pageOf(walk.root, rowid);
    if (found === undefined) return;
    const { page, depth } = found;
    const bytes = this.#peek(page);
    if (bytes !== undefined) {
      if (pageKind(page, bytes) === "table-leaf") walk.leafDepth = depth;
      return;
    }
    pages.add(page);
    if (this.#named.size > MAX_NAMED) this.#named.clear();
    this.#named.set(page, row);
    const isLeaf = walk.leafDepth === undefined ? this.#hasLeafSiblings(page) : depth >= walk.leafDepth;
    if (!isLeaf && this.#unresolved.length < MAX_NAMED) this.#unresolved.push(row);
  }

  #hasLeafSiblings(page: PageNo): boolean {
    return this.#pages.parentAt(this.#pages.find(page))?.leafChildren === true;
  }

  #rowidsOn(leaf: PageNo): readonly Rowid[] {
    const bytes = this.#peek(leaf);
    if (bytes === undefined || pageKind(leaf, bytes) !== "index-leaf") return [];
    try {
      return entryRowids(parsePage(leaf, bytes, this.#usableSize));
    } catch (error) {
      if (isLacunaError(error, "CORRUPT_PAGE")) return [];
      throw error;
    }
  }
}
