import type { PageNo } from "@lacuna/page";
import type { BtreePage } from "./btree-page.ts";
import type { TreeFormat } from "./tree-format.ts";
import { TreeWalk, type TreeWalkOptions } from "./tree-walk.ts";
import type { Rowid } from "./varint.ts";

export interface TableWalkOptions extends TreeWalkOptions {
  /** The smallest row id wanted. @default all */
  readonly from?: Rowid | undefined;
  /** The largest row id wanted; the same as `from` for a single row. @default all */
  readonly to?: Rowid | undefined;
}

/**
 * The rows of a table with row ids, or of a range of them, in order of the row ids.
 *
 * ```ts
 * const walk = new TableWalk(format, table.rootPage, { from: 10, to: 20 });
 * forEachEntrySync(walk, peek, (row) => console.log(row.rowid, row.record.values()));
 * ```
 */
export class TableWalk extends TreeWalk {
  readonly #from: Rowid | undefined;
  readonly #to: Rowid | undefined;

  constructor(format: TreeFormat, root: PageNo, options: TableWalkOptions = {}) {
    const start = options.reverse ? options.to : options.from;
    super(format, root, true, start !== undefined, options);
    this.#from = options.from;
    this.#to = options.to;
  }

  /** The row id of the row the walk stands on. */
  get rowid(): Rowid {
    return this.cell.rowid;
  }

  protected override isBeforeStart(view: BtreePage, index: number): boolean {
    const rowid = view.rowid(index);
    if (!this.reverse) return rowid < (this.#from as Rowid);
    // A child still holds the row id that its separator names.
    return view.isLeaf ? rowid <= (this.#to as Rowid) : rowid < (this.#to as Rowid);
  }

  protected override isBeyondEnd(): boolean {
    if (this.reverse) return this.#from !== undefined && this.cell.rowid < this.#from;
    return this.#to !== undefined && this.cell.rowid > this.#to;
  }

  protected override isChildBeyondEnd(view: BtreePage, index: number): boolean {
    if (this.reverse)
      return this.#from !== undefined && index < view.cellCount && view.rowid(index) < this.#from;
    return this.#to !== undefined && index > 0 && view.rowid(index - 1) >= this.#to;
  }
}
