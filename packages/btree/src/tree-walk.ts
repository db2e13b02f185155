import { type PageNo, PageSet } from "@lacuna/page";
import { BtreePage, requireTree } from "./btree-page.ts";
import { CellReader } from "./cell.ts";
import { corruptPage } from "./corrupt.ts";
import { OverflowChain } from "./overflow.ts";
import { RecordReader } from "./record.ts";
import { MAX_DEPTH, type TreeFormat } from "./tree-format.ts";
import type { Step, Walk } from "./walk.ts";

/** What every walk over the entries of one B-tree can be told. */
export interface TreeWalkOptions {
  /** From the last entry of the range to the first. @default false */
  readonly reverse?: boolean | undefined;
  /**
   * How many leading fields of each record are wanted. Overflow pages that only hold later fields are not asked for, and
   * reading such a field is then a `RangeError`. @default all
   */
  readonly fields?: number | undefined;
  /** Gives every INTEGER as a `bigint`, so that it can be told from REAL. @default false */
  readonly bigints?: boolean | undefined;
}

/** The next thing to do. */
type State = "search" | "move" | "load" | "end";

interface Level {
  readonly view: BtreePage;
  /**
   * On a leaf the cell; on an interior page twice the child, or twice the cell plus one: children and cells alternate.
   */
  slot: number;
  /** Where a search has come to. */
  low: number;
  high: number;
}

/**
 * A walk over the entries of one B-tree in key order. After `step` returned `true` it stands on an entry, which `record`
 * shows until the next step.
 */
export abstract class TreeWalk implements Walk {
  /** The record of the entry the walk stands on. */
  readonly record: RecordReader;
  protected readonly cell: CellReader = new CellReader();
  protected readonly reverse: boolean;
  readonly #format: TreeFormat;
  readonly #isTable: boolean;
  readonly #fields: number;
  readonly #levels: Level[] = [];
  #state: State = "move";
  #wanted: PageNo | undefined;
  // Until the first leaf is reached pages are searched for the start of the range.
  #seeking: boolean;
  #probed = -1;
  #chain: OverflowChain | undefined;
  #chainWanted = false;
  #visited: PageSet | undefined;

  protected constructor(
    format: TreeFormat,
    root: PageNo,
    isTable: boolean,
    seeks: boolean,
    options: TreeWalkOptions,
  ) {
    this.record = new RecordReader(format.textEncoding, options.bigints ?? false);
    this.reverse = options.reverse ?? false;
    this.#format = format;
    this.#isTable = isTable;
    this.#fields = options.fields ?? Number.POSITIVE_INFINITY;
    this.#seeking = seeks;
    this.#wanted = root;
  }

  /**
   * Whether cell `index` lies before the place where the walk starts, in the order of the tree; `undefined` if the
   * record has to be read further.
   */
  protected abstract isBeforeStart(view: BtreePage, index: number): boolean | undefined;
  /** Whether the loaded entry lies beyond the end of the walk; `undefined` as above. */
  protected abstract isBeyondEnd(): boolean | undefined;
  /** Whether the child at `index` can hold no entry of the range, as far as that is known without reading further. */
  protected abstract isChildBeyondEnd(view: BtreePage, index: number): boolean;

  /** The page of the entry the walk stands on. */
  get page(): PageNo {
    return (this.#levels.at(-1) as Level).view.page;
  }

  /** The index of the entry's cell on `page`. */
  get cellIndex(): number {
    const { view, slot } = this.#levels.at(-1) as Level;
    return view.isLeaf ? slot : slot >> 1;
  }

  step(): Step {
    while (this.#wanted === undefined) {
      switch (this.#state) {
        case "search":
          this.#search();
          break;
        case "move":
          this.#move();
          break;
        case "load":
          if (this.#load()) return true;
          break;
        default:
          return false;
      }
    }
    return this.#wanted;
  }

  supply(page: PageNo, bytes: Uint8Array): void {
    if (page !== this.#wanted) throw new RangeError(`expected page ${this.#wanted}, got page ${page}`);
    this.#wanted = undefined;
    if (this.#chainWanted) {
      this.#chainWanted = false;
      this.#chain?.supply(page, bytes);
      this.#chain?.showTo(this.record);
      return;
    }
    const view = new BtreePage(page, bytes, this.#format.usableSize);
    requireTree(view, this.#isTable);
    if (view.cellCount === 0 && this.#levels.length > 0) {
      throw corruptPage(page, view.start + 3, "expected at least one cell below the root, found none");
    }
    const level: Level = { view, slot: 0, low: 0, high: view.cellCount };
    this.#levels.push(level);
    this.#state = this.#seeking ? "search" : "move";
    this.#probed = -1;
    if (!this.#seeking) this.#start(level, this.reverse ? view.cellCount : 0);
  }

  /**
   * The pages that the walk will ask for after the one it stands on or waits for, as far as the interior pages at hand
   * tell: exactly the children inside the range, in the order of the walk, lowest level first. Empty as long as the
   * start of the range is searched for.
   * @throws {LacunaError} `CORRUPT_PAGE` if one of those interior pages contradicts the file format
   */
  upcoming(limit: number): PageNo[] {
    const pages: PageNo[] = [];
    if (this.#seeking) return pages;
    for (let depth = this.#levels.length - 1; depth >= 0; depth--) {
      const { view, slot } = this.#levels[depth] as Level;
      if (view.isLeaf) continue;
      const move = this.reverse ? -1 : 1;
      // From a cell the child beside it comes next; from a child, the one after it.
      let child = slot & 1 ? (slot + move) >> 1 : (slot >> 1) + move;
      for (; child >= 0 && child <= view.cellCount && pages.length < limit; child += move) {
        if (this.isChildBeyondEnd(view, child)) return pages;
        pages.push(view.child(child));
      }
    }
    return pages;
  }

  /** Loads a cell's record for comparing. */
  protected probe(view: BtreePage, index: number): void {
    if (this.#probed !== index) this.#read(view, index);
    this.#probed = index;
  }

  /** Sets a level just before what comes first, when `before` of its cells lie before the start of the walk. */
  #start(level: Level, before: number): void {
    const { isLeaf, isTable } = level.view;
    const first = isLeaf ? before : 2 * before;
    if (this.reverse) level.slot = isLeaf ? first : first + (isTable ? 2 : 1);
    else level.slot = first - (isTable && !isLeaf ? 2 : 1);
  }

  #search(): void {
    const level = this.#levels.at(-1) as Level;
    while (level.low < level.high) {
      const middle = (level.low + level.high) >> 1;
      const before = this.isBeforeStart(level.view, middle);
      if (before === undefined) {
        this.#gather(level.view, new PageSet());
        return;
      }
      this.#probed = -1;
      if (before) level.low = middle + 1;
      else level.high = middle;
    }
    this.#start(level, level.low);
    if (level.view.isLeaf) this.#seeking = false;
    this.#state = "move";
  }

  #move(): void {
    const level = this.#levels.at(-1);
    if (level === undefined) {
      this.#state = "end";
      return;
    }
    const { view } = level;
    const stride = view.isTable && !view.isLeaf ? 2 : 1;
    level.slot += this.reverse ? -stride : stride;
    if (
      view.isLeaf
        ? level.slot < view.cellCount && level.slot >= 0
        : level.slot <= 2 * view.cellCount && level.slot >= 0
    ) {
      if (view.isLeaf || (level.slot & 1) === 1) {
        this.#read(view, view.isLeaf ? level.slot : level.slot >> 1);
        this.#state = "load";
      } else if (view.isTable && !this.#seeking && this.isChildBeyondEnd(view, level.slot >> 1)) {
        this.#state = "end";
      } else this.#descend(view, level.slot >> 1);
      return;
    }
    if (this.#levels.length > 1) this.#seen();
    this.#levels.pop();
  }

  #descend(view: BtreePage, index: number): void {
    const child = view.child(index);
    const what = `expected child ${index} to be a page of its own`;
    if (child > this.#format.pageCount) {
      throw corruptPage(view.page, view.start, `${what}, found ${child} of ${this.#format.pageCount}`);
    }
    const known = this.#visited
      ? !this.#visited.add(child)
      : this.#levels.some((level) => level.view.page === child);
    if (known) throw corruptPage(view.page, view.start, `${what}, found ${child}, which is in use`);
    if (this.#levels.length >= MAX_DEPTH) {
      throw corruptPage(view.page, view.start, `expected a tree at most ${MAX_DEPTH} levels deep`);
    }
    this.#wanted = child;
  }

  /** @returns whether the entry belongs to the walk and all of it that is wanted is here */
  #load(): boolean {
    const { view } = this.#levels.at(-1) as Level;
    const beyond = this.isBeyondEnd();
    if (beyond === true) {
      this.#state = "end";
      return false;
    }
    if (beyond === undefined || this.#lacksFields()) {
      this.#gather(view, this.#seen());
      return false;
    }
    this.#state = "move";
    return true;
  }

  #lacksFields(): boolean {
    const { record } = this;
    return record.available < record.size && record.bytesFor(this.#fields) > record.available;
  }

  #read(view: BtreePage, index: number): void {
    const { cell } = this;
    cell.read(view, index);
    this.#chain = undefined;
    this.record.reset(view.page, cell.offset, view.bytes, cell.start, cell.localEnd, cell.payloadSize);
  }

  #gather(view: BtreePage, seen: PageSet): void {
    this.#chain ??= new OverflowChain(this.#format, view.page, view.bytes, this.cell, seen);
    this.#wanted = this.#chain.next();
    this.#chainWanted = true;
  }

  /**
   * The pages of the walk so far. They are only remembered once the first leaf is left behind or a chain is followed: a
   * look-up by key cannot meet a page twice without its path showing it.
   */
  #seen(): PageSet {
    this.#visited ??= new PageSet(this.#levels.map((level) => level.view.page));
    return this.#visited;
  }
}
