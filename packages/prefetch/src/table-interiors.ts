import { type Rowid, type TableChildren, tableChildren } from "@lacuna/btree";
import type { PageNo } from "@lacuna/page";
import type { InteriorPages } from "./interior-pages.ts";
import type { Peek } from "./peek.ts";

/** Interior pages kept with their row ids; the one kept longest goes first. */
const MAX_KEPT = 256;
/** SQLite's trees are never this deep; a damaged one may point in circles. */
const MAX_DEPTH = 24;

/** Finds the leaves of rows through the interior pages of tables that are here. */
export class TableInteriors {
  readonly #usableSize: number;
  readonly #pages: InteriorPages;
  readonly #peek: Peek;
  readonly #kept = new Map<PageNo, TableChildren>();

  constructor(usableSize: number, pages: InteriorPages, peek: Peek) {
    this.#usableSize = usableSize;
    this.#pages = pages;
    this.#peek = peek;
  }

  /**
   * Which rows a page of a table holds, or has below it: those with row ids greater than `above` and at most `upTo`. `undefined`
   * if it is not known to be the child of a table's interior page.
   */
  rowsOf(page: PageNo): { readonly above: Rowid | undefined; readonly upTo: Rowid | undefined } | undefined {
    let above: Rowid | undefined;
    let upTo: Rowid | undefined;
    let at = page;
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      const place = this.#pages.find(at);
      const parent = this.#pages.parentAt(place);
      if (parent === undefined) break;
      const children = this.#childrenOf(parent.page);
      if (children === undefined) return undefined;
      const position = this.#pages.positionAt(place);
      above ??= children.keys[position - 1];
      upTo ??= children.keys[position];
      at = parent.page;
    }
    return at === page ? undefined : { above, upTo };
  }

  /**
   * The leaf that holds a row if there is such a row, or the page above it that is not here and has to come first, with its
   * depth below the root. `undefined` where the tree makes no sense.
   */
  pageOf(root: PageNo, rowid: Rowid): { readonly page: PageNo; readonly depth: number } | undefined {
    let page = root;
    for (let depth = 0; depth < MAX_DEPTH; depth++) {
      const children = this.#childrenOf(page);
      if (children === undefined) return { page, depth };
      const child = children.pages[firstNotBelow(children.keys, rowid)];
      if (child === undefined) return undefined;
      page = child;
    }
    return undefined;
  }

  clear(): void {
    this.#kept.clear();
  }

  #childrenOf(page: PageNo): TableChildren | undefined {
    const kept = this.#kept.get(page);
    if (kept !== undefined) return kept;
    const bytes = this.#peek(page);
    const children = bytes === undefined ? undefined : tableChildren(page, bytes, this.#usableSize);
    if (children === undefined) return undefined;
    // So that the pages below it have a place, also when no reader came this way.
    if (bytes !== undefined) this.#pages.learn(page, bytes);
    this.#kept.set(page, children);
    if (this.#kept.size > MAX_KEPT) {
      const [oldest] = this.#kept.keys();
      if (oldest !== undefined) this.#kept.delete(oldest);
    }
    return children;
  }
}

/** Where the first key is that is not less than a row id; the number of keys if all are. */
function firstNotBelow(keys: readonly Rowid[], rowid: Rowid): number {
  let low = 0;
  let high = keys.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((keys[middle] as Rowid) < rowid) low = middle + 1;
    else high = middle;
  }
  return low;
}
