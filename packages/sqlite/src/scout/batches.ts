import { PageMap, type PageNo } from "@lacuna/page";

/** So many first batches may be asked for at any time, however few pages the reader has come to. */
const MOST_FIRST_BATCHES = 4;

/**
 * How many pages may be asked for ahead of a reader: one batch at first, and the next, twice as large, once the reader has
 * come to a part of the latest, early enough for the one to arrive as the other is used up. So what may be in vain is
 * never more than what was not, or little.
 */
export class Batches {
  readonly #first: number;
  readonly #most: number;
  #size: number;
  /** Which batch is the latest, and how many pages it has that the reader has not come to. */
  #latest = 0;
  #latestSize = 0;
  #latestLeft = 0;
  /** Pages that may still be asked for. */
  #room: number;
  /** The batch of each page that was asked for and that the reader has not come to. */
  readonly #batchOf = new PageMap<number>();
  /** Pages asked for. */
  named = 0;
  /** Of these, pages that the reader has come to. */
  reached = 0;

  /** @param first pages of the first batch, @param most pages of any; both at least 1 */
  constructor(first: number, most: number) {
    this.#first = first;
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

  /** Makes room for at least so many pages, if there may be so many. */
  widen(pages: number): void {
    if (pages <= this.#bearable) this.#room = Math.max(this.#room, pages);
  }

  /** At most `room` pages are asked for. */
  ask(pages: readonly PageNo[]): void {
    for (const page of pages) this.#batchOf.set(page, this.#latest);
    this.named += pages.length;
    this.#latestSize += pages.length;
    this.#latestLeft += pages.length;
    this.#room -= pages.length;
  }

  /** The reader comes to a page. @returns whether there is more room now */
  reach(page: PageNo): boolean {
    const batch = this.#batchOf.get(page);
    if (batch === undefined) return false;
    this.#batchOf.delete(page);
    this.reached++;
    if (batch !== this.#latest) return false;
    this.#latestLeft--;
    // What takes a round trip to arrive has to be on its way by then.
    const part = this.#bearable < this.#size * 2 ? 0.25 : 0.75;
    if (this.#latestLeft > Math.max(this.#first, this.#latestSize * part)) return false;
    this.grow();
    return true;
  }

  /** The reader has use for what was named. */
  grow(): void {
    this.#beginBatch();
    this.#size = Math.min(this.#size * 2, this.#most);
    this.#room = Math.min(this.#room + this.#size, this.#bearable);
  }

  /**
   * Pages that may be asked for besides those on their way: a filter that let nothing through where nothing was known may
   * end the statement at any row, and then as much was in vain as was of use.
   */
  get #bearable(): number {
    return Math.max(MOST_FIRST_BATCHES * this.#first, this.reached - this.#batchOf.size);
  }

  /** The reader wants something that was not foreseen. */
  beginAnew(): void {
    // Where little is of use, little is asked for. What the latest batch is good for remains to be seen.
    const seen = this.named - this.#latestLeft;
    if (seen > 2 * this.#size && this.reached * 4 < seen) {
      this.#size = Math.max(1, this.#size >>> 1);
    }
    this.#beginBatch();
    this.#room = this.#size;
  }

  #beginBatch(): void {
    this.#latest++;
    this.#latestSize = 0;
    this.#latestLeft = 0;
  }
}
