import type { PageNo } from "@lacuna/page";

/** A page in memory. */
export interface Frame {
  readonly page: PageNo;
  readonly bytes: Uint8Array;
  /** Read since the hand passed last; such a page gets a second chance. */
  touched: boolean;
  /** Brought by speculation, and nobody has read it yet. */
  unread: boolean;
  /** Not in the store yet, so it must not be dropped. */
  pinned: boolean;
}

/**
 * Pages in memory within a budget, dropped by second chance: close to least recently used, and a hit costs one look-up
 * and one flag. Pinned pages count, but are never dropped: only they can exceed the budget.
 */
export class PageMemory {
  readonly #capacity: number;
  readonly #frames = new Map<PageNo, Frame>();
  #ring: Frame[] = [];
  #hand = 0;
  #pinned = 0;

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

  /** Keeps `bytes`, which must not change any more. A page that is here already stays as it is. */
  insert(page: PageNo, bytes: Uint8Array, as: { readonly pinned: boolean; readonly unread: boolean }): void {
    if (this.#frames.has(page) || (this.#capacity === 0 && !as.pinned)) return;
    const frame: Frame = { page, bytes, touched: false, ...as };
    if (as.pinned) this.#pinned++;
    this.#frames.set(page, frame);
    const victim = this.#ring.length < this.#capacity ? -1 : this.#findVictim();
    if (victim < 0) {
      this.#ring.push(frame);
      return;
    }
    this.#frames.delete((this.#ring[victim] as Frame).page);
    this.#ring[victim] = frame;
    this.#hand = victim + 1;
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
      this.#frames.delete((this.#ring[victim] as Frame).page);
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
