import type { PageNo } from "./page-number.ts";
import { type PageRange, rangesInOrder } from "./page-range.ts";

const CHUNK_PAGES = 32_768;
const CHUNK_WORDS = CHUNK_PAGES / 32;

/**
 * A set of page numbers as bits: one bit a page, allocated in chunks of 4 KiB, so that a sparse set over
 * the largest database stays small.
 */
export class PageSet implements Iterable<PageNo> {
  readonly #chunks = new Map<number, Uint32Array>();
  #size = 0;

  constructor(pages?: Iterable<PageNo>) {
    if (pages !== undefined) for (const page of pages) this.add(page);
  }

  /** How many pages are in the set. */
  get size(): number {
    return this.#size;
  }

  has(page: PageNo): boolean {
    const chunk = this.#chunks.get(Math.floor(page / CHUNK_PAGES));
    if (chunk === undefined) return false;
    const bit = page % CHUNK_PAGES;
    return (((chunk[bit >>> 5] ?? 0) >>> (bit & 31)) & 1) === 1;
  }

  /** @returns whether the page was new */
  add(page: PageNo): boolean {
    const key = Math.floor(page / CHUNK_PAGES);
    let chunk = this.#chunks.get(key);
    if (chunk === undefined) {
      chunk = new Uint32Array(CHUNK_WORDS);
      this.#chunks.set(key, chunk);
    }
    const bit = page % CHUNK_PAGES;
    const word = chunk[bit >>> 5] ?? 0;
    const mask = 1 << (bit & 31);
    if ((word & mask) !== 0) return false;
    chunk[bit >>> 5] = word | mask;
    this.#size++;
    return true;
  }

  /** @returns whether the page was there */
  delete(page: PageNo): boolean {
    if (!this.has(page)) return false;
    const chunk = this.#chunks.get(Math.floor(page / CHUNK_PAGES)) as Uint32Array;
    const bit = page % CHUNK_PAGES;
    chunk[bit >>> 5] = (chunk[bit >>> 5] ?? 0) & ~(1 << (bit & 31));
    this.#size--;
    return true;
  }

  clear(): void {
    this.#chunks.clear();
    this.#size = 0;
  }

  /** The pages in ascending order. Changing the set while iterating is not supported. */
  *[Symbol.iterator](): Generator<PageNo, void, undefined> {
    const keys = [...this.#chunks.keys()].sort((a, b) => a - b);
    for (const key of keys) {
      const chunk = this.#chunks.get(key) as Uint32Array;
      for (let index = 0; index < CHUNK_WORDS; index++) {
        let word = chunk[index] as number;
        while (word !== 0) {
          const bit = 31 - Math.clz32(word & -word);
          yield (key * CHUNK_PAGES + index * 32 + bit) as PageNo;
          word &= word - 1;
        }
      }
    }
  }

  /** The pages as the fewest ranges, ascending. */
  ranges(): PageRange[] {
    return rangesInOrder(this);
  }
}
