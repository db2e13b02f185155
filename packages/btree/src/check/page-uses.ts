import type { PageNo } from "@lacuna/page";

/** What a page is used for. `unknown`: nothing leads to it. */
export type PageUse =
  | "unknown"
  | "table-interior"
  | "table-leaf"
  | "index-interior"
  | "index-leaf"
  | "overflow"
  | "freelist-trunk"
  | "freelist-leaf"
  | "pointer-map"
  | "lock-byte";

const USES: readonly PageUse[] = [
  "unknown",
  "table-interior",
  "table-leaf",
  "index-interior",
  "index-leaf",
  "overflow",
  "freelist-trunk",
  "freelist-leaf",
  "pointer-map",
  "lock-byte",
];

/** Which page belongs to what: nine bytes a page. */
export class PageUses {
  readonly pageCount: number;
  readonly #uses: Uint8Array;
  readonly #roots: Uint32Array;
  readonly #parents: Uint32Array;

  constructor(pageCount: number) {
    this.pageCount = pageCount;
    this.#uses = new Uint8Array(pageCount + 1);
    this.#roots = new Uint32Array(pageCount + 1);
    this.#parents = new Uint32Array(pageCount + 1);
  }

  use(page: PageNo): PageUse {
    return USES[this.#uses[page] ?? 0] as PageUse;
  }

  /** The root of the B-tree that the page belongs to, also for overflow pages; `undefined` for other pages. */
  root(page: PageNo): PageNo | undefined {
    return (this.#roots[page] || undefined) as PageNo | undefined;
  }

  /** The page that points to this one; `undefined` for roots and for pages that none points to. */
  parent(page: PageNo): PageNo | undefined {
    return (this.#parents[page] || undefined) as PageNo | undefined;
  }

  /** @internal */
  set(page: PageNo, use: PageUse, root: PageNo | undefined, parent: PageNo | undefined): void {
    this.#uses[page] = USES.indexOf(use);
    this.#roots[page] = root ?? 0;
    this.#parents[page] = parent ?? 0;
  }
}
