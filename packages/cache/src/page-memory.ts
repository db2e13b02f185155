import { PageMap, type PageNo } from "@lacuna/page";

/** A place for a page in memory. It may be that of another page after the next `insert` or `unpin`. */
export interface Frame {
  page: PageNo;
  bytes: Uint8Array;
  /** Read since the hand passed last, or about to be for the first time; such a page gets a second chance. */
  touched: boolean;
  /** Brought by speculation, and nobody has read it yet. */
  unread: boolean;
  /** Not in the store yet, so it must not be dropped. */
  pinned: boolean;
  /** Its array was handed out: whoever has it may look at it for ever. */
  shared: boolean;
}

/** Arrays of dropped pages to keep for pages that come. */
const MAX_SPARE = 64;

/**
 * Pages in memory within a budget, dropped by second chance: close to least recently used, and a hit costs one look-up
 * and one flag. Pinned pages count, but are never dropped: only they can exceed the budget.
 */
export class PageMemory {
  readonly #capacity: number;
  readonly #frames = new PageMap<Frame>();
  #ring: Frame[] = [];
  #hand = 0;
  #pinned = 0;
  // Thousands of arrays a second would wait for the garbage collector, and the process grow by them.
  readonly #spare: Uint8Array[] = [];

  /** @param capacity pages to keep, 0 to keep only what is pinned */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get size(): number {
    return this.#frames.size;
  }

  /** The frame of a page, without counting as reading it. */
  find(page: PageNo): Frame | undefined {
    return this.#frames.get(page);
  }

  /** The memory of a page that was dropped, if there is some. */
  spare(): Uint8Array | undefined {
    return this.#spare.pop();
  }

  /** A copy of a page's bytes, in such memory if there is some. */
  copyOf(bytes: Uint8Array): Uint8Array {
    const spare = this.spare();
    if (spare === undefined) return new Uint8Array(bytes);
    spare.set(bytes);
    return spare;
  }

  /**
   * Keeps `bytes`, which must not change any more. A page that is here already stays as it is.
   * @param as `shared`: somebody else has the array, or will
   */
  insert(page: PageNo, bytes: Uint8Array, as: Pick<Frame, "pinned" | "unread" | "shared">): void {
    if (this.#frames.has(page) || (this.#capacity === 0 && !as.pinned)) return;
    const victim = this.#ring.length < this.#capacity ? -1 : this.#findVictim();
    if (as.pinned) this.#pinned++;
    let frame = this.#ring[victim];
    if (frame === undefined) {
      frame = { page, bytes, touched: as.unread, ...as };
      this.#ring.push(frame);
    } else {
      this.#drop(frame);
      frame.page = page;
      frame.bytes = bytes;
      frame.touched = as.unread;
      frame.unread = as.unread;
      frame.pinned = as.pinned;
      frame.shared = as.shared;
      this.#hand = victim + 1;
    }
    this.#frames.set(page, frame);
  }

  /** The page is in the store now, or never will be: from now on it may be dropped. */
  unpin(page: PageNo): void {
    const frame = this.#frames.get(page);
    if (frame === undefined || !frame.pinned) return;
    frame.pinned = false;
    this.#pinned--;
    while (this.#ring.length > this.#capacity) {
      const victim = this.#findVictim();
      if (victim < 0) return;
      this.#drop(this.#ring[victim] as Frame);
      const last = this.#ring.pop() as Frame;
      if (victim < this.#ring.length) this.#ring[victim] = last;
    }
  }

  clear(): void {
    this.#frames.clear();
    this.#ring = [];
    this.#hand = 0;
    this.#pinned = 0;
  }

  #drop({ page, bytes, shared }: Frame): void {
    this.#frames.delete(page);
    if (!shared && this.#spare.length < MAX_SPARE) this.#spare.push(bytes);
  }

  /** @returns where in the ring; -1 if every page is pinned */
  #findVictim(): number {
    const ring = this.#ring;
    if (this.#pinned >= ring.length) return -1;
    for (;;) {
      if (this.#hand >= ring.length) this.#hand = 0;
      const frame = ring[this.#hand] as Frame;
      if (!frame.pinned && !frame.touched) return this.#hand;
      frame.touched = false;
      this.#hand++;
    }
  }
}
