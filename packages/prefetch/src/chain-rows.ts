import type { ChainStart } from "@lacuna/btree";
import type { PageNo } from "@lacuna/page";

/** A cell with a chain of overflow pages: which one of those on its page, and how many there are. */
export interface ChainCell {
  readonly owner: PageNo;
  readonly nth: number;
  readonly count: number;
}

/** How to get from one page of cells to the next. */
export interface CellPages {
  /** The chains that begin on a page; `undefined` if it is not here. */
  startsOn(page: PageNo): readonly ChainStart[] | undefined;
  /** The page whose cells come next in the order of the tree, as far as that is known. */
  beside(page: PageNo, step: 1 | -1): PageNo | undefined;
}

/** Pages without a chain that are looked through at a time. */
const MAX_EMPTY = 64;

/** Follows a reader that goes along the chain of one cell after the other, and says which come next: 1, 2, 4 and so on. */
export class ChainRows {
  readonly #pages: CellPages;
  readonly #maxWindow: number;
  #last: ChainCell | undefined;
  #step: 1 | -1 = 1;
  /** Chains to be ahead of the reader; 0 until there is evidence. */
  #window = 0;
  /** Chains named that the reader has not come to. */
  #ahead = 0;
  /** The cell named last. */
  #owner: PageNo | undefined;
  #nth = 0;
  #wanting = false;

  constructor(pages: CellPages, maxWindow: number) {
    this.#pages = pages;
    this.#maxWindow = maxWindow;
  }

  /** The reader is at the first page of a cell's chain. */
  came(cell: ChainCell): void {
    const step = this.#stepTo(cell);
    this.#last = cell;
    if (step === undefined || (this.#window > 0 && step !== this.#step)) {
      this.#window = 0;
      this.#ahead = 0;
      this.#wanting = false;
      return;
    }
    this.#step = step;
    if (this.#ahead > 0) this.#ahead--;
    if (this.#ahead === 0) {
      this.#owner = cell.owner;
      this.#nth = cell.nth;
    }
    if (this.#ahead * 2 >= this.#window && this.#window > 0) return;
    this.#window = Math.min(Math.max(1, this.#window * 2), this.#maxWindow);
    this.#wanting = true;
  }

  /** The next chain to name; `undefined` if enough are, or it is not known as long as its page is not here. */
  next(): ChainStart | undefined {
    for (let empty = 0; this.#wanting && this.#owner !== undefined && empty < MAX_EMPTY; empty++) {
      if (this.#ahead >= this.#window) {
        this.#wanting = false;
        return undefined;
      }
      const start = this.#pages.startsOn(this.#owner)?.[this.#nth + this.#step];
      if (start !== undefined) {
        this.#nth += this.#step;
        this.#ahead++;
        return start;
      }
      const beside = this.#pages.beside(this.#owner, this.#step);
      const starts = beside === undefined ? undefined : this.#pages.startsOn(beside);
      if (starts === undefined) return undefined;
      this.#owner = beside;
      this.#nth = this.#step > 0 ? -1 : starts.length;
    }
    return undefined;
  }

  clear(): void {
    this.#last = undefined;
    this.#window = 0;
    this.#ahead = 0;
    this.#wanting = false;
  }

  /** Which way the reader came from the cell before; `undefined` if it did not come from the one beside. */
  #stepTo({ owner, nth, count }: ChainCell): 1 | -1 | undefined {
    const last = this.#last;
    if (last === undefined) return undefined;
    if (owner === last.owner) return nth === last.nth + 1 ? 1 : nth === last.nth - 1 ? -1 : undefined;
    if (nth === 0 && last.nth === last.count - 1 && this.#leads(last.owner, 1, owner)) return 1;
    if (nth === count - 1 && last.nth === 0 && this.#leads(last.owner, -1, owner)) return -1;
    return undefined;
  }

  /** Whether one page follows another, but for pages without chains in between. */
  #leads(from: PageNo, step: 1 | -1, to: PageNo): boolean {
    let page = this.#pages.beside(from, step);
    for (let empty = 0; page !== undefined && empty < MAX_EMPTY; empty++) {
      if (page === to) return true;
      if (this.#pages.startsOn(page)?.length !== 0) return false;
      page = this.#pages.beside(page, step);
    }
    return false;
  }
}
