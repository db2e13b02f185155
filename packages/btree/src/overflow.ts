import { isPageNo, type PageNo, type PageSet } from "@lacuna/page";
import { readU32 } from "./big-endian.ts";
import type { CellReader } from "./cell.ts";
import { corruptPage } from "./corrupt.ts";
import type { RecordReader } from "./record.ts";
import type { TreeFormat } from "./tree-format.ts";

/** Brings the payload of one cell together, page by page. File Format, "Cell Payload Overflow Pages". */
export class OverflowChain {
  readonly #format: TreeFormat;
  readonly #cellPage: PageNo;
  readonly #cellOffset: number;
  readonly #payload: Uint8Array;
  readonly #seen: PageSet;
  #filled: number;
  #last: PageNo;
  #next: number;

  /**
   * @param bytes the page of the cell
   * @param seen every page that must not come again
   */
  constructor(format: TreeFormat, page: PageNo, bytes: Uint8Array, cell: CellReader, seen: PageSet) {
    this.#format = format;
    this.#cellPage = page;
    this.#cellOffset = cell.offset;
    this.#seen = seen;
    // Also keeps a lying size from taking more memory than the database could fill.
    if (cell.payloadSize > format.pageCount * format.usableSize) {
      throw corruptPage(
        page,
        cell.offset,
        `expected a payload that fits the database, found ${cell.payloadSize}`,
      );
    }
    this.#payload = new Uint8Array(cell.payloadSize);
    this.#payload.set(bytes.subarray(cell.start, cell.localEnd));
    this.#filled = cell.localEnd - cell.start;
    this.#last = page;
    this.#next = cell.overflow ?? 0;
  }

  /** The page that is needed next. */
  next(): PageNo {
    const next = this.#next;
    const what = `expected an overflow page for byte ${this.#filled} of a payload of ${this.#payload.length}`;
    if (!isPageNo(next) || next > this.#format.pageCount)
      throw corruptPage(this.#last, 0, `${what}, found ${next}`);
    if (!this.#seen.add(next))
      throw corruptPage(this.#last, 0, `${what}, found page ${next}, which is in use`);
    return next;
  }

  supply(page: PageNo, bytes: Uint8Array): void {
    const size = Math.min(this.#format.usableSize - 4, this.#payload.length - this.#filled);
    if (bytes.length < size + 4)
      throw corruptPage(page, 0, `expected ${size + 4} bytes, found ${bytes.length}`);
    this.#payload.set(bytes.subarray(4, 4 + size), this.#filled);
    this.#filled += size;
    this.#last = page;
    this.#next = readU32(bytes, 0);
  }

  /** Shows the record what is here now. */
  showTo(record: RecordReader): void {
    record.reset(this.#cellPage, this.#cellOffset, this.#payload, 0, this.#filled, this.#payload.length);
  }
}
