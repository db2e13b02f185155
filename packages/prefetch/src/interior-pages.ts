import { childPages } from "@lacuna/btree";
import { PageMap, type PageNo } from "@lacuna/page";

/** An interior page of a B-tree whose children are known. */
export class InteriorPage {
  readonly page: PageNo;
  /** In key order; at least one. */
  readonly children: readonly PageNo[];
  /** What the children are; `undefined` until one of them was seen. All children of a page are of the same kind. */
  leafChildren: boolean | undefined;
  /** The positions of the two children that were read last; -1 for none. */
  latest = -1;
  beforeLatest = -1;
  /** Used since it was last considered for dropping. */
  touched = false;

  /** Which of the remembered pages it is. */
  readonly slot: number;

  constructor(page: PageNo, children: readonly PageNo[], slot: number) {
    this.page = page;
    this.children = children;
    this.slot = slot;
  }
}

/** Bits of a place that hold the position: a page of 65536 bytes has at most 10922 children. */
const POSITION_BITS = 14;
const MAX_POSITION = 2 ** POSITION_BITS - 1;
/** So many slots fit into the other bits of a place. */
export const MAX_REMEMBERED = 2 ** (32 - POSITION_BITS);
/** SQLite's trees are never this deep; a damaged one may point in circles. */
const MAX_DEPTH = 24;

/** The interior pages seen so far and the trees they form, within a bound. */
export class InteriorPages {
  readonly #usableSize: number;
  readonly #maxChildren: number;
  readonly #pages = new Map<PageNo, InteriorPage>();
  /** Where each child hangs: the slot of its parent and the position there, in one number. */
  readonly #places = new PageMap<number>();
  readonly #slots: (InteriorPage | undefined)[] = [];
  readonly #freeSlots: number[] = [];

  /**
   * @param usableSize bytes of a page that are SQLite's
   * @param maxChildren children to remember, at most `MAX_REMEMBERED`; interior pages unused for long are forgotten beyond that
   */
  constructor(usableSize: number, maxChildren: number) {
    this.#usableSize = usableSize;
    this.#maxChildren = maxChildren;
  }

  /** Children remembered. */
  get size(): number {
    return this.#places.size;
  }

  get(page: PageNo): InteriorPage | undefined {
    return this.#pages.get(page);
  }

  /**
   * A reader is at a page: its children are learned if it is an interior page, and what kind its siblings are.
   * @param bytes the page, if it is here
   * @returns its place, as `find` does
   */
  see(page: PageNo, bytes: Uint8Array | undefined): number {
    const place = this.find(page);
    const parent = this.parentAt(place);
    // On the way of most reads the bytes need not be looked at.
    if (parent?.leafChildren !== true && bytes !== undefined) {
      const interior = this.learn(page, bytes);
      if (interior !== undefined) interior.touched = true;
      if (parent !== undefined) parent.leafChildren = interior === undefined;
    }
    return place;
  }

  /** @returns the page with its children; `undefined` if the bytes are not an interior page */
  learn(page: PageNo, bytes: Uint8Array): InteriorPage | undefined {
    const known = this.#pages.get(page);
    if (known !== undefined) return known;
    const children = childPages(page, bytes, this.#usableSize);
    if (children === undefined || children.length > this.#maxChildren) return undefined;
    const slot = this.#freeSlots.pop() ?? this.#slots.length;
    const interior = new InteriorPage(page, children, slot);
    this.#slots[slot] = interior;
    this.#pages.set(page, interior);
    for (const [position, child] of children.entries()) {
      this.#places.set(child, placeOf(slot, position));
    }
    this.#forgetOldest(interior);
    return interior;
  }

  /** The number that `parentAt` and `positionAt` read; -1 for a page whose parent is not known. */
  find(page: PageNo): number {
    return this.#places.get(page) ?? -1;
  }

  parentAt(place: number): InteriorPage | undefined {
    return place < 0 ? undefined : this.#slots[place >>> POSITION_BITS];
  }

  positionAt(place: number): number {
    return place & MAX_POSITION;
  }

  /**
   * The next interior page of the same level, also across parents. A page number if that page, or one above it on the
   * way, has yet to be learned; `undefined` at the end of the tree and where the parent is not known.
   */
  neighbour(interior: InteriorPage, step: 1 | -1, depth = 0): InteriorPage | PageNo | undefined {
    const place = this.find(interior.page);
    const parent = this.parentAt(place);
    if (parent === undefined || depth > MAX_DEPTH) return undefined;
    parent.touched = true;
    let next = parent.children[this.positionAt(place) + step];
    if (next === undefined) {
      const beside = this.neighbour(parent, step, depth + 1);
      if (!(beside instanceof InteriorPage)) return beside;
      next = beside.children.at(step > 0 ? 0 : -1);
    }
    return next === undefined ? undefined : (this.#pages.get(next) ?? next);
  }

  /** The next page of the same level, for a page below an interior page that is known; `undefined` where it is not. */
  leafBeside(page: PageNo, step: 1 | -1): PageNo | undefined {
    const place = this.find(page);
    const parent = this.parentAt(place);
    if (parent === undefined) return undefined;
    const sibling = parent.children[this.positionAt(place) + step];
    if (sibling !== undefined) return sibling;
    const beside = this.neighbour(parent, step);
    return beside instanceof InteriorPage ? beside.children.at(step > 0 ? 0 : -1) : undefined;
  }

  /**
   * The topmost page that is known over a page, which is the root of its tree if the reader came from there, and how far above
   * it is.
   */
  rootOf(page: PageNo): { readonly root: PageNo; readonly depth: number } {
    let root = page;
    let depth = 0;
    for (; depth < MAX_DEPTH; depth++) {
      const parent = this.parentAt(this.find(root));
      if (parent === undefined) break;
      root = parent.page;
    }
    return { root, depth };
  }

  clear(): void {
    this.#pages.clear();
    this.#places.clear();
    this.#slots.length = 0;
    this.#freeSlots.length = 0;
  }

  #forgetOldest(newest: InteriorPage): void {
    for (const [page, interior] of this.#pages) {
      if (this.#places.size <= this.#maxChildren) return;
      this.#pages.delete(page);
      if (interior.touched || interior === newest) {
        // Back to the end of the queue, with one more chance.
        interior.touched = interior === newest;
        this.#pages.set(page, interior);
      } else this.#forget(interior);
    }
  }

  #forget(interior: InteriorPage): void {
    const { slot } = interior;
    for (const [position, child] of interior.children.entries()) {
      const place = placeOf(slot, position);
      if (this.#places.get(child) === place) this.#places.delete(child);
    }
    this.#slots[slot] = undefined;
    this.#freeSlots.push(slot);
  }
}

const placeOf = (slot: number, position: number): number => ((slot << POSITION_BITS) | position) >>> 0;
