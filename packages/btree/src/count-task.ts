import { type PageNo, PageSet } from "@lacuna/page";
import { BtreePage, requireTree } from "./btree-page.ts";
import { corruptPage } from "./corrupt.ts";
import type { TreeFormat } from "./tree-format.ts";
import type { Step, Task } from "./walk.ts";

/** Counts the rows of a table or the entries of an index by its pages, without looking at a cell of a leaf. */
export class CountTask implements Task<number> {
  readonly #format: TreeFormat;
  readonly #pending: PageNo[];
  readonly #seen: PageSet;
  #isTable: boolean | undefined;
  #count = 0;

  constructor(format: TreeFormat, root: PageNo) {
    this.#format = format;
    this.#pending = [root];
    this.#seen = new PageSet(this.#pending);
  }

  /** The count, when `step` returned `false`. */
  get result(): number {
    return this.#count;
  }

  step(): Step {
    return this.#pending.at(-1) ?? false;
  }

  supply(page: PageNo, bytes: Uint8Array): void {
    if (page !== this.#pending.at(-1))
      throw new RangeError(`expected page ${this.#pending.at(-1)}, got page ${page}`);
    const view = new BtreePage(page, bytes, this.#format.usableSize);
    this.#isTable ??= view.isTable;
    requireTree(view, this.#isTable);
    this.#pending.pop();
    if (view.isLeaf || !view.isTable) this.#count += view.cellCount;
    if (view.isLeaf) return;
    // Last child first, so that the pages come in key order.
    for (let index = view.cellCount; index >= 0; index--) {
      const child = view.child(index);
      if (child > this.#format.pageCount || !this.#seen.add(child)) {
        throw corruptPage(
          page,
          view.start,
          `expected child ${index} to be a page of its own, found ${child}`,
        );
      }
      this.#pending.push(child);
    }
  }
}
