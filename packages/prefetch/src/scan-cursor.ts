import type { PageNo } from "@lacuna/page";
import { InteriorPage, type InteriorPages } from "./interior-pages.ts";
import type { Peek } from "./peek.ts";

/** Interior pages to learn within one prediction; a damaged tree could go on for ever. */
const MAX_LEARNED = 64;
/** The farthest leaf a reader may go to next: SQLite does not ask for the pages in between that it holds itself. */
export const MAX_STEP = 16;

/** One scan over the leaves of a tree, in one direction: where its reader is, and how far ahead pages were named. */
export class ScanCursor {
  readonly step: 1 | -1;
  /** The interior page over its reader. */
  parent: InteriorPage;
  /** When its reader moved last. */
  movedAt = 0;
  /** Leaves still to be named. */
  wanted = 0;
  readonly #maxWindow: number;
  #position: number;
  /** Leaves that may be ahead of the reader; doubles while the reader follows. */
  #window = 0;
  /** Leaves named that the reader has not come to. */
  #ahead = 0;
  #lastParent: InteriorPage;
  #lastPosition: number;
  /** The interior page that has to come before more can be named; it was named itself. */
  #awaited: PageNo | undefined;
  #ended = false;

  constructor(parent: InteriorPage, position: number, step: 1 | -1, maxWindow: number) {
    this.step = step;
    this.#maxWindow = maxWindow;
    this.parent = parent;
    this.#position = position;
    this.#lastParent = parent;
    this.#lastPosition = position;
    this.#widen();
  }

  /**
   * How many leaves on a place is: 0 where the reader is, 1 the next leaf, a little more if it was named already.
   * `undefined` if the reader of this scan would not go there.
   */
  distanceTo(pages: InteriorPages, parent: InteriorPage, position: number): number | undefined {
    const farthest = Math.min(this.#ahead + 1, MAX_STEP);
    if (parent === this.parent) {
      const distance = (position - this.#position) * this.step;
      return distance >= 0 && distance <= farthest ? distance : undefined;
    }
    const left = this.step > 0 ? this.parent.children.length - 1 - this.#position : this.#position;
    const entered = this.step > 0 ? position + 1 : parent.children.length - position;
    if (left + entered > farthest) return undefined;
    return pages.neighbour(this.parent, this.step) === parent ? left + entered : undefined;
  }

  /** The reader went on to a place `distance` leaves away, at least 1. */
  move(parent: InteriorPage, position: number, distance: number): void {
    this.parent = parent;
    this.#position = position;
    this.#ahead -= distance;
    if (this.#ahead < 0) {
      this.#ahead = 0;
      this.#lastParent = parent;
      this.#lastPosition = position;
    }
    // Early enough for the answer to come before the reader has used up what it has.
    if (this.wanted === 0 && this.#ahead * 2 < this.#window) this.#widen();
  }

  /** Names at most `room` pages into `leaves` and `interiors`; interior pages are those that lead to more leaves. */
  name(
    pages: InteriorPages,
    peek: Peek | undefined,
    room: number,
    leaves: Set<PageNo>,
    interiors: Set<PageNo>,
  ): void {
    let learned = 0;
    while (this.wanted > 0 && leaves.size + interiors.size < room) {
      const child = this.#lastParent.children[this.#lastPosition + this.step];
      if (child !== undefined) {
        leaves.add(child);
        this.#lastPosition += this.step;
        this.#ahead++;
        this.wanted--;
        continue;
      }
      const beside = pages.neighbour(this.#lastParent, this.step);
      if (beside instanceof InteriorPage) {
        this.#lastParent = beside;
        this.#lastPosition = this.step > 0 ? -1 : beside.children.length;
        continue;
      }
      if (beside === undefined) {
        this.#end();
        return;
      }
      const bytes = peek?.(beside);
      if (bytes === undefined) {
        this.#await(pages, beside, this.wanted, room - leaves.size, interiors);
        return;
      }
      if (pages.learn(beside, bytes) === undefined || ++learned > MAX_LEARNED) {
        this.#end();
        return;
      }
    }
    if (this.wanted === 0) this.#lookBeyond(pages, peek, room - leaves.size, interiors);
  }

  /** Names the interior pages that the next window will have to cross, so that it need not wait for them. */
  #lookBeyond(pages: InteriorPages, peek: Peek | undefined, room: number, interiors: Set<PageNo>): void {
    const known =
      this.step > 0 ? this.#lastParent.children.length - 1 - this.#lastPosition : this.#lastPosition;
    const missing = 2 * this.#window - known;
    if (missing <= 0) return;
    const beside = pages.neighbour(this.#lastParent, this.step);
    if (typeof beside !== "number" || peek?.(beside) !== undefined) return;
    this.#await(pages, beside, missing, room, interiors);
  }

  #widen(): void {
    if (this.#ended) return;
    this.#window = Math.min(Math.max(1, this.#window * 2), this.#maxWindow);
    this.wanted = Math.max(0, this.#window - this.#ahead);
  }

  #end(): void {
    this.#ended = true;
    this.wanted = 0;
  }

  /** Names the interior page that bars the way, and so many of its siblings as `leaves` will reach to. */
  #await(pages: InteriorPages, barrier: PageNo, leaves: number, room: number, interiors: Set<PageNo>): void {
    if (this.#awaited === barrier) return;
    this.#awaited = barrier;
    const place = pages.find(barrier);
    const parent = pages.parentAt(place);
    if (place < 0 || parent === undefined) return;
    const count = Math.ceil(leaves / this.#lastParent.children.length);
    let at = pages.positionAt(place);
    for (let named = 0; named < count && interiors.size < room; named++) {
      const page = parent.children[at];
      if (page === undefined) return;
      interiors.add(page);
      at += this.step;
    }
  }
}
