import { isPageNo, type PageNo } from "@lacuna/page";
import { readU32 } from "./big-endian.ts";
import type { BtreePage } from "./btree-page.ts";
import { corruptPage } from "./corrupt.ts";
import { localSize } from "./tree-format.ts";
import { decodeVarint, type Rowid, varintSize } from "./varint.ts";

/**
 * The parts of one cell with a payload: a cell of a leaf, or of an index's interior page. One object is used for many
 * cells. File Format, "B-tree Cell Formats".
 */
export class CellReader {
  /** Where the cell starts on its page. */
  offset = 0;
  /** The row id, on table pages. */
  rowid: Rowid = 0;
  /** Bytes of the payload, overflow included. */
  payloadSize = 0;
  /** Where the payload starts on the page. */
  start = 0;
  /** Where the part of the payload that lies on the page ends. */
  localEnd = 0;
  /** The first overflow page; `undefined` if the payload lies in the cell whole. */
  overflow: PageNo | undefined;

  /** Where the cell ends on the page. */
  get end(): number {
    return this.overflow === undefined ? this.localEnd : this.localEnd + 4;
  }

  /** @throws {LacunaError} `CORRUPT_PAGE` if the cell does not fit on the page */
  read(view: BtreePage, index: number): void {
    const { bytes, usableSize } = view;
    let at = view.cellOffset(index);
    this.offset = at;
    if (!view.isLeaf) at += 4;
    let size = bytes[at] as number;
    if (size < 0x80) at++;
    else {
      const second = bytes[at + 1] as number;
      if (second < 0x80) {
        size = ((size & 0x7f) << 7) | second;
        at += 2;
      } else {
        // A size that is no safe number becomes one that is too large as well.
        size = Number(decodeVarint(bytes, at));
        at += varintSize(bytes, at);
      }
    }
    if (view.isTable) {
      const first = bytes[at] as number;
      if (first < 0x80) {
        this.rowid = first;
        at++;
      } else {
        this.rowid = decodeVarint(bytes, at);
        at += varintSize(bytes, at);
      }
    }
    this.payloadSize = size;
    this.start = at;
    this.overflow = undefined;
    this.localEnd = at + size;
    // With the smallest usable size an index cell holds 94 bytes, every other cell more.
    if (size > 94) this.#spill(view, size, at);
    if (this.end > usableSize || size < 0 || at >= usableSize) {
      throw corruptPage(
        view.page,
        this.offset,
        `expected a cell that ends inside the page, found a payload of ${size}`,
      );
    }
  }

  #spill(view: BtreePage, size: number, at: number): void {
    const local = localSize(size, view.usableSize, view.isTable);
    if (local === size) return;
    this.localEnd = at + local;
    const overflow = this.localEnd + 4 > view.usableSize ? 0 : readU32(view.bytes, this.localEnd);
    if (overflow < 2 || !isPageNo(overflow)) {
      throw corruptPage(
        view.page,
        this.offset,
        `expected an overflow page for a payload of ${size}, found ${overflow}`,
      );
    }
    this.overflow = overflow;
  }
}
