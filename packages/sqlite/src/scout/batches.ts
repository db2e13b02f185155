import type { PageNo } from "@lacuna/page";

/**
 * How many pages may be asked for ahead of a reader: one batch at first, and the next, twice as large, as soon as the
 * reader comes to a page of the latest. So what may be in vain is never much more than what was not.
 */
export class Batches {
  readonly #most: number;
  #size: number;
  /** Which batch is the latest. */
  #latest = 0;
  /** Pages that may still be asked for. */
  #room: number;
  /** The batch of each page that was asked for and that the reader has not come to. */
  readonly #batchOf = new Map<PageNo, number>();
  named = 0;
  reached = 0;

  /** @param first pages of the first batch, @param most pages of any; both at least 1 */
  constructor(first: number, most: number) {
    this.#size = first;
    this.#most = most;
    this.#room = first;
  }

  get room(): number {
    return this.#room;
  }

  /** A page was asked for and the reader has not come to it. */
  has(page: PageNo): boolean {
    return this.#batchOf.has(page);
  }

  /** Makes room for at least so many pages. */
  widen(pages: number): void {
    this.#room = Math.max(this.#room, pages);
  }

  /** At most `room` pages are asked for. */
  ask(pages: readonly PageNo[]): void {
    for (const page of pages) this.#batchOf.set(page, this.#latest);
    this.named += pages.length;
    this.#room -= pages.length;
  }

  /** The reader comes to a page. @returns whether there is more room now */
  reach(page: PageNo): boolean {
    const batch = this.#batchOf.get(page);
    if (batch === undefined) return false;
    this.#batchOf.delete(page);
    this.reached++;
    return batch === this.#latest && this.grow();
  }

  /** The reader has use for what was named. */
  grow(): boolean {
    this.#latest++;
    this.#size = Math.min(this.#size * 2, this.#most);
    this.#room += this.#size;
    return true;
  }

  /** The reader wants something that was not foreseen. */
  beginAnew(): void {
    // Where little is of use, little is asked for.
    if (this.named > 2 * this.#size && this.reached * 4 < this.named)
      this.#size = Math.max(1, this.#size >>> 1);
    this.#latest++;
    this.#room = this.#size;
  }
}
