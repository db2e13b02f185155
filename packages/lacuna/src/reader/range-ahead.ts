import { BtreePage, childPages, type Walk } from "@lacuna/btree";
import { isLacunaError, type PageNo } from "@lacuna/page";

/** Leaves that are taken to lie below an interior page, and entries on a leaf, as long as none was seen. */
const ASSUMED_CHILDREN = 64;
const ASSUMED_ENTRIES = 32;
/** How much more is asked for each time the reader has come to the end of what was. */
const GROWTH = 4;

export interface RangeAheadOptions {
  readonly root: PageNo;
  readonly usableSize: number;
  /** Pages of the database. */
  readonly pageCount: number;
  readonly reverse: boolean;
  /** A walk from a page down to the lowest entry of the range; absent where the range has no lower end. */
  readonly toLowest?: ((page: PageNo) => Walk) | undefined;
  /** The same for the highest entry. */
  readonly toHighest?: ((page: PageNo) => Walk) | undefined;
  /** Pages asked for ahead at first, at least 1. */
  readonly firstWindow: number;
  /** Pages asked for ahead at most. */
  readonly lastWindow: number;
  /** How many entries the reader will still take, at most. */
  readonly entriesLeft: () => number;
  readonly peek: (page: PageNo) => Uint8Array | undefined;
}

/** A page the walk has not come to yet. */
interface Node {
  readonly page: PageNo;
  /** Steps down from the root. */
  readonly level: number;
  /** About how many pages the tree has on this level. */
  readonly levelPages: number;
  /** Whether the lower and the upper end of the range lie in its subtree. */
  readonly low: boolean;
  readonly high: boolean;
  asked: boolean;
  /** Whether its children follow it in the list. */
  expanded: boolean;
}

/**
 * Knows which pages a walk over a range of a B-tree will need next: interior pages say exactly which children lie between
 * two keys. Does no I/O.
 */
export class RangeAhead {
  readonly #options: RangeAheadOptions;
  /** In the order of the walk. */
  readonly #nodes: Node[];
  #leafLevel: number | undefined;
  #children = ASSUMED_CHILDREN;
  #entries = ASSUMED_ENTRIES;
  #window: number;
  #passedLeaves = 0;

  constructor(options: RangeAheadOptions) {
    this.#options = options;
    this.#window = options.firstWindow;
    const { root, toLowest, toHighest } = options;
    const ends = { low: toLowest !== undefined, high: toHighest !== undefined };
    this.#nodes = [{ page: root, level: 0, levelPages: 1, ...ends, asked: false, expanded: false }];
  }

  /** True when so much of what was asked for is read that it is time to ask for more. */
  get due(): boolean {
    return this.#passedLeaves * 4 >= this.#window * 3;
  }

  /** The walk was handed a page. Pages that are none of the tree's own, such as overflow pages, are let pass. */
  passed(page: PageNo, bytes: Uint8Array): void {
    const node = this.#nodes[0];
    if (node?.page !== page) return;
    this.#nodes.shift();
    if (node.expanded) return;
    const children = this.#childrenOf(node, bytes);
    if (children !== undefined) this.#nodes.unshift(...children);
    else {
      this.#passedLeaves++;
      this.#entries = Math.max(1, new BtreePage(page, bytes, this.#options.usableSize).cellCount);
    }
  }

  /**
   * What is to be asked for now that the walk waits for a page: nothing, as long as it was asked for and is on its way.
   * Otherwise what the walk will need next, in its order, that page included.
   * @param idle true if nothing is on its way: then what was asked for and is missing all the same is asked for again
   */
  missing(page: PageNo, idle: boolean): PageNo[] {
    const head = this.#nodes[0];
    if (head?.page !== page || (head.asked && !idle)) return [];
    return this.take(head.asked);
  }

  /**
   * What the walk will need next and was not asked for, in its order.
   * @param again whether to take what was asked for as well
   */
  take(again = false): PageNo[] {
    const { lastWindow, entriesLeft } = this.#options;
    if (this.due) {
      this.#window = Math.min(lastWindow, this.#window * GROWTH);
      this.#passedLeaves = 0;
    }
    const room = Math.min(this.#window, Math.max(1, Math.ceil(entriesLeft() / this.#entries)));
    const pages: PageNo[] = [];
    let leaves = 0;
    // Interior pages are few, and come a window earlier than what is below them.
    for (let at = 0; at < this.#nodes.length && leaves < room * GROWTH; at++) {
      const node = this.#nodes[at] as Node;
      if (node.expanded) continue;
      const before = leaves;
      const below = this.#reveal(node, at);
      leaves += below;
      if (node.expanded || (node.asked && !again) || (this.#isLeaf(node) && before >= room)) continue;
      node.asked = true;
      pages.push(node.page);
    }
    return pages;
  }

  /** Puts the children of an interior page that is here behind it. @returns the leaves it stands for, 0 if they follow */
  #reveal(node: Node, at: number): number {
    if (node.level === this.#leafLevel) return 1;
    const bytes = this.#options.peek(node.page);
    if (bytes === undefined) {
      // A page with an end of a bounded range is needed for certain, and little may lie below it.
      const { toLowest, toHighest } = this.#options;
      const certain = toLowest !== undefined && toHighest !== undefined && (node.low || node.high);
      return certain || this.#isLeaf(node) ? 1 : this.#children;
    }
    const children = this.#childrenOf(node, bytes);
    if (children === undefined) return 1;
    node.expanded = true;
    this.#nodes.splice(at + 1, 0, ...children);
    return 0;
  }

  /** The children inside the range, in the order of the walk; `undefined` for a leaf. */
  #childrenOf(node: Node, bytes: Uint8Array): Node[] | undefined {
    const { usableSize, toLowest, toHighest, reverse } = this.#options;
    const pages = childPages(node.page, bytes, usableSize);
    if (pages === undefined) {
      this.#leafLevel = node.level;
      return undefined;
    }
    this.#children = Math.max(this.#children, pages.length);
    const first = node.low && toLowest ? this.#childOn(toLowest(node.page), node.page, bytes, pages) : 0;
    const last =
      node.high && toHighest
        ? this.#childOn(toHighest(node.page), node.page, bytes, pages)
        : pages.length - 1;
    // Where an end cannot be told, nothing is promised.
    if (first === undefined || last === undefined) return [];
    const children = pages.slice(first, last + 1).map((page, index) => ({
      page,
      level: node.level + 1,
      levelPages: node.levelPages * pages.length,
      low: node.low && index === 0,
      high: node.high && first + index === last,
      asked: false,
      expanded: false,
    }));
    return reverse ? children.reverse() : children;
  }

  /** The position of the child that `walk` goes to from a page. */
  #childOn(walk: Walk, page: PageNo, bytes: Uint8Array, children: readonly PageNo[]): number | undefined {
    try {
      let step = walk.step();
      while (typeof step === "number") {
        const child = children.indexOf(step);
        if (child >= 0) return child;
        // Telling two long keys apart can take overflow pages.
        const needed = step === page ? bytes : this.#options.peek(step);
        if (needed === undefined) return undefined;
        walk.supply(step, needed);
        step = walk.step();
      }
    } catch (error) {
      // The walk itself will come to the page and say what is wrong with it.
      if (!isLacunaError(error)) throw error;
    }
    return undefined;
  }

  /** Before the walk has come to a leaf, leaves are told by the size of the database: a further level would not fit. */
  #isLeaf({ level, levelPages }: Node): boolean {
    if (this.#leafLevel !== undefined) return level === this.#leafLevel;
    return levelPages * this.#children > this.#options.pageCount;
  }
}
