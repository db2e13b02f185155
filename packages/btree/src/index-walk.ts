import type { PageNo } from "@lacuna/page";
import type { BtreePage } from "./btree-page.ts";
import { CellReader } from "./cell.ts";
import { type KeyBound, type KeyColumn, PreparedKey } from "./collation.ts";
import { RecordReader } from "./record.ts";
import type { TreeFormat } from "./tree-format.ts";
import { TreeWalk, type TreeWalkOptions } from "./tree-walk.ts";

export interface IndexWalkOptions extends TreeWalkOptions {
  /** Where the range starts in the order of the index: with a DESC column, at the larger value. @default the first entry */
  readonly from?: KeyBound | undefined;
  /** Where the range ends in the order of the index. The same as `from` for all entries of a key. @default the last entry */
  readonly to?: KeyBound | undefined;
}

/**
 * The entries of an index, or the rows of a WITHOUT ROWID table, in the order of the index. The last field of an index
 * entry is the row id, or the primary key where the table has no row ids.
 *
 * ```ts
 * const bound = { key: ["able"] };
 * const walk = new IndexWalk(format, index.rootPage, index.key, { from: bound, to: bound });
 * forEachEntrySync(walk, peek, (entry) => console.log(entry.record.values()));
 * ```
 */
export class IndexWalk extends TreeWalk {
  readonly #from: PreparedKey | undefined;
  readonly #to: PreparedKey | undefined;
  readonly #fromInclusive: boolean;
  readonly #toInclusive: boolean;
  readonly #ahead: RecordReader;

  /**
   * @param columns how the columns of the index are ordered, at least as many as a bound has values
   * @throws {RangeError} if a bound does not fit the columns
   * @throws {LacunaError} `UNSUPPORTED_DATABASE` for a bound with text in a column with an unknown collation
   */
  constructor(
    format: TreeFormat,
    root: PageNo,
    columns: readonly KeyColumn[],
    options: IndexWalkOptions = {},
  ) {
    const { from, to, reverse } = options;
    super(format, root, false, (reverse ? to : from) !== undefined, options);
    this.#from = from && new PreparedKey(from.key, columns, format.textEncoding);
    this.#to = to && new PreparedKey(to.key, columns, format.textEncoding);
    this.#fromInclusive = from?.inclusive ?? true;
    this.#toInclusive = to?.inclusive ?? true;
    this.#ahead = new RecordReader(format.textEncoding);
  }

  protected override isBeforeStart(view: BtreePage, index: number): boolean | undefined {
    this.probe(view, index);
    const order = (this.reverse ? this.#to : this.#from)?.compare(this.record);
    if (order === undefined) return undefined;
    return this.reverse ? order < (this.#toInclusive ? 1 : 0) : order < (this.#fromInclusive ? 0 : 1);
  }

  protected override isBeyondEnd(): boolean | undefined {
    return this.#isBeyond(this.record);
  }

  protected override isChildBeyondEnd(view: BtreePage, index: number): boolean {
    const cellIndex = this.reverse ? index : index - 1;
    if (cellIndex < 0 || cellIndex >= view.cellCount) return false;
    const cell = new CellReader();
    cell.read(view, cellIndex);
    this.#ahead.reset(view.page, cell.offset, view.bytes, cell.start, cell.localEnd, cell.payloadSize);
    // What cannot be told from the bytes here is not promised.
    return this.#isBeyond(this.#ahead) ?? true;
  }

  #isBeyond(record: RecordReader): boolean | undefined {
    const end = this.reverse ? this.#from : this.#to;
    if (end === undefined) return false;
    const order = end.compare(record);
    if (order === undefined) return undefined;
    return this.reverse ? order < (this.#fromInclusive ? 0 : 1) : order >= (this.#toInclusive ? 1 : 0);
  }
}
