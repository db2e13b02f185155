import { isPageNo, type PageNo } from "@lacuna/page";

/** A chain of overflow pages that a reader goes along, or will: SQLite puts most of them on pages that follow each other. */
export class OverflowChain {
  /** The page the reader is at; `undefined` before it came to the first. */
  at: PageNo | undefined;
  /** Pages of the chain that the reader has not come to. */
  #ahead: number;
  /** Those of them that were named, with how many come after each. */
  readonly #named = new Map<PageNo, number>();
  /** Where those that were not named are taken to begin. */
  #next: number;
  /** Which way the pages follow each other. */
  #step: 1 | -1 = 1;
  #window: number;
  readonly #maxWindow: number;

  /** @param window pages named ahead of the reader at first, at least 1; doubles while it follows */
  constructor(first: PageNo, pages: number, window: number, maxWindow: number) {
    this.#next = first;
    this.#ahead = pages;
    this.#window = window;
    this.#maxWindow = maxWindow;
  }

  /** The reader came to the last page. */
  get over(): boolean {
    return this.#ahead === 0;
  }

  /** Whether there is something to name now. */
  get wanting(): boolean {
    return this.#named.size < this.#ahead && this.#named.size * 2 < this.#window;
  }

  /** True if the reader will come to this page, as far as is known. */
  leadsTo(page: PageNo): boolean {
    return this.#named.has(page) || (page === this.#next && this.#named.size < this.#ahead);
  }

  /** The reader is at a page that the chain leads to. */
  reach(page: PageNo): void {
    this.at = page;
    const after = this.#named.get(page);
    if (after === undefined) {
      this.#named.clear();
      this.#ahead--;
      this.#next = page + this.#step;
      return;
    }
    this.#ahead = after;
    this.#named.delete(page);
    if (this.#named.size * 2 < this.#window) this.#window = Math.min(this.#window * 2, this.#maxWindow);
  }

  /** The page the reader is at tells where the chain really goes on. @param next 0 at its end */
  learn(next: number): void {
    const expected =
      this.#named.size === 0 ? next === this.#next : this.#named.get(next as PageNo) === this.#ahead - 1;
    if (expected || this.at === undefined) return;
    this.#named.clear();
    this.#next = next;
    if (next === 0) this.#ahead = 0;
    else if (Math.abs(next - this.at) === 1) this.#step = next < this.at ? -1 : 1;
    else this.#window = Math.max(1, this.#window >> 2);
  }

  /** At most `room` pages that the reader will come to next. */
  name(room: number): PageNo[] {
    const pages: PageNo[] = [];
    while (this.#named.size < Math.min(this.#ahead, this.#window) && pages.length < room) {
      const next = this.#next;
      if (!isPageNo(next)) break;
      pages.push(next);
      this.#named.set(next, this.#ahead - this.#named.size - 1);
      this.#next += this.#step;
    }
    return pages;
  }
}
