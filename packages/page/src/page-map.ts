import type { PageNo } from "./page-number.ts";

const SMALLEST_BITS = 4;
/** 2 to the 32nd over the golden ratio: the upper bits of products with it are spread evenly. */
const SPREAD = 0x9e37_79b1;

/**
 * Values by page number, for some thousands of pages that come and go all the time. A `Map` makes its table anew whenever so
 * many have gone as are left, and those tables live just long enough to make the heap grow. This one does only to grow.
 * Strangers who choose which pages are in it could make it slow: its size must be bounded.
 */
export class PageMap<V> {
  /** The pages, each in the first free slot from its own on; 0 is a free slot. */
  #pages = new Uint32Array(2 ** SMALLEST_BITS);
  #values: (V | undefined)[] = new Array(2 ** SMALLEST_BITS);
  #bits = SMALLEST_BITS;
  #size = 0;

  /** How many pages have a value. */
  get size(): number {
    return this.#size;
  }

  has(page: PageNo): boolean {
    return this.#pages[this.#slotOf(page)] === page;
  }

  get(page: PageNo): V | undefined {
    // A free slot has no value.
    return this.#values[this.#slotOf(page)];
  }

  set(page: PageNo, value: V): void {
    let slot = this.#slotOf(page);
    if (this.#pages[slot] !== page) {
      if (++this.#size * 2 > this.#pages.length) {
        this.#grow();
        slot = this.#slotOf(page);
      }
      this.#pages[slot] = page;
    }
    this.#values[slot] = value;
  }

  /** @returns whether the page had a value */
  delete(page: PageNo): boolean {
    const pages = this.#pages;
    let free = this.#slotOf(page);
    if (pages[free] !== page) return false;
    this.#size--;
    const mask = pages.length - 1;
    // What stands behind a free slot would not be found any more, unless its own slot lies behind it too.
    for (let slot = (free + 1) & mask; pages[slot] !== 0; slot = (slot + 1) & mask) {
      if (((slot - this.#homeOf(pages[slot] as number)) & mask) < ((slot - free) & mask)) continue;
      pages[free] = pages[slot] as number;
      this.#values[free] = this.#values[slot];
      free = slot;
    }
    pages[free] = 0;
    this.#values[free] = undefined;
    return true;
  }

  clear(): void {
    this.#resize(SMALLEST_BITS);
    this.#size = 0;
  }

  /** Where a page is, or the free slot where it would be. */
  #slotOf(page: number): number {
    const pages = this.#pages;
    const mask = pages.length - 1;
    let slot = this.#homeOf(page);
    while (pages[slot] !== page && pages[slot] !== 0) slot = (slot + 1) & mask;
    return slot;
  }

  #homeOf(page: number): number {
    return Math.imul(page, SPREAD) >>> (32 - this.#bits);
  }

  #grow(): void {
    const pages = this.#pages;
    const values = this.#values;
    this.#resize(this.#bits + 1);
    // An iterator would make an array for each slot.
    for (let at = 0; at < pages.length; at++) {
      const page = pages[at] as number;
      if (page === 0) continue;
      const slot = this.#slotOf(page);
      this.#pages[slot] = page;
      this.#values[slot] = values[at];
    }
  }

  #resize(bits: number): void {
    this.#bits = bits;
    this.#pages = new Uint32Array(2 ** bits);
    this.#values = new Array(2 ** bits);
  }
}
