import {
  BtreePage,
  childPages,
  overflowChains,
  pageKind,
  parseDatabaseHeader,
  runTaskSync,
  SchemaTask,
} from "@lacuna/btree";
import { type PageNo, pageNo } from "@lacuna/page";

/** Where the number of a page stands. */
export interface PagePlace {
  /** The page that has it: an interior page, or the one on which an overflow chain begins. Absent for roots. */
  readonly parent: PageNo | undefined;
  /** The root of its tree. */
  readonly tree: PageNo;
  readonly isOverflow: boolean;
}

/** Which page names which, learned from the pages as they are visited: parents first, as SQLite does. */
export class PageRelations {
  readonly #pageOf: (page: PageNo) => Uint8Array;
  readonly #usableSize: number;
  readonly #places = new Map<PageNo, PagePlace>();

  constructor(pageOf: (page: PageNo) => Uint8Array, pageCount: number) {
    this.#pageOf = pageOf;
    const header = parseDatabaseHeader(pageOf(pageNo(1)));
    this.#usableSize = header.usableSize;
    const schema = runTaskSync(new SchemaTask(header, pageCount), pageOf);
    const roots = [...schema.tables, ...schema.indexes].map((object) => object.rootPage);
    for (const root of [pageNo(1), ...roots]) {
      if (root !== undefined) this.#places.set(root, { parent: undefined, tree: root, isOverflow: false });
    }
  }

  /** Looks at a page, so that the pages it names are known. @returns its own place, if a page visited before names it */
  visit(page: PageNo): PagePlace | undefined {
    const place = this.#places.get(page);
    if (place === undefined) return undefined;
    const bytes = this.#pageOf(page);
    const name = (named: number, isOverflow: boolean, parent: PageNo | undefined = page): void => {
      if (named === 0 || this.#places.has(named as PageNo)) return;
      this.#places.set(pageNo(named), { parent, tree: place.tree, isOverflow });
    };
    if (place.isOverflow) {
      name(new DataView(bytes.buffer, bytes.byteOffset).getUint32(0), true, place.parent);
      return place;
    }
    for (const child of childPages(page, bytes, this.#usableSize) ?? []) name(child, false);
    if (pageKind(page, bytes) !== undefined) {
      for (const chain of overflowChains(new BtreePage(page, bytes, this.#usableSize)))
        name(chain.first, true);
    }
    return place;
  }
}
