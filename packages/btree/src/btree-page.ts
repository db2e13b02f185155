import { isPageNo, type PageNo } from "@lacuna/page";
import { readU16, readU32 } from "./big-endian.ts";
import { corruptPage } from "./corrupt.ts";
import { decodeVarint, type Rowid, varintSize } from "./varint.ts";

/** The four kinds of B-tree page. File Format, "B-tree Pages". */
export type PageKind = "index-interior" | "table-interior" | "index-leaf" | "table-leaf";

const KINDS: Readonly<Record<number, PageKind>> = {
  2: "index-interior",
  5: "table-interior",
  10: "index-leaf",
  13: "table-leaf",
};

/** The kind a page says it is by its first byte, page 1 by its 101st; `undefined` if that is no B-tree page. */
export function pageKind(page: PageNo, bytes: Uint8Array): PageKind | undefined {
  return KINDS[bytes[page === 1 ? 100 : 0] as number];
}

/**
 * A view of one B-tree page. It copies nothing and keeps the bytes it was given; they must not change while the view is
 * used. Every offset it hands out lies inside the usable part of the page.
 */
export class BtreePage {
  readonly page: PageNo;
  readonly bytes: Uint8Array;
  readonly usableSize: number;
  readonly isLeaf: boolean;
  /** True for a page of a table with row ids, false for an index or a WITHOUT ROWID table. */
  readonly isTable: boolean;
  /** Cells on the page: 0 to 10921. */
  readonly cellCount: number;
  /** Where the page header starts: 100 on page 1, else 0. */
  readonly start: number;
  /** Where the array of cell pointers starts. */
  readonly pointers: number;

  /**
   * Checks the header and the size of the pointer array; cells are checked when they are asked for.
   * @param bytes a whole page
   * @param usableSize bytes of the page that are SQLite's: page size less reserved bytes
   * @throws {LacunaError} `CORRUPT_PAGE` if it is no B-tree page
   */
  constructor(page: PageNo, bytes: Uint8Array, usableSize: number) {
    const start = page === 1 ? 100 : 0;
    const flag = bytes[start];
    if (flag !== 2 && flag !== 5 && flag !== 10 && flag !== 13) {
      throw corruptPage(page, start, `expected the kind of a B-tree page (2, 5, 10 or 13), found ${flag}`);
    }
    if (bytes.length < usableSize) {
      throw corruptPage(page, 0, `expected a page of at least ${usableSize} bytes, found ${bytes.length}`);
    }
    this.page = page;
    this.bytes = bytes;
    this.usableSize = usableSize;
    this.isLeaf = flag >= 10;
    this.isTable = (flag & 1) === 1;
    this.start = start;
    this.cellCount = readU16(bytes, start + 3);
    this.pointers = start + (flag >= 10 ? 8 : 12);
    if (this.pointers + 2 * this.cellCount > usableSize) {
      throw corruptPage(
        page,
        start + 3,
        `expected cell pointers inside the page, found ${this.cellCount} cells`,
      );
    }
  }

  get kind(): PageKind {
    return pageKind(this.page, this.bytes) as PageKind;
  }

  /** Where the area of cell contents starts: 1 to 65536. */
  get contentStart(): number {
    return readU16(this.bytes, this.start + 5) || 65536;
  }

  /** The first freeblock's offset; 0 if there is none. */
  get firstFreeblock(): number {
    return readU16(this.bytes, this.start + 1);
  }

  /** Bytes lost between cells in pieces too small to be freeblocks. */
  get fragmentedBytes(): number {
    return this.bytes[this.start + 7] as number;
  }

  /**
   * The offset of cell `index`, from 0, less than `cellCount`.
   * @throws {LacunaError} `CORRUPT_PAGE` if it points outside the cell area
   */
  cellOffset(index: number): number {
    const at = this.pointers + 2 * index;
    const offset = readU16(this.bytes, at);
    // The smallest cell takes four bytes.
    if (offset < this.pointers + 2 * this.cellCount || offset > this.usableSize - 4) {
      throw corruptPage(this.page, at, `expected a pointer into the cell area, found ${offset}`);
    }
    return offset;
  }

  /**
   * The child at `index`, from 0 to `cellCount`, where `cellCount` is the right-most child. Interior pages only.
   * @throws {LacunaError} `CORRUPT_PAGE` if it is no page number
   */
  child(index: number): PageNo {
    const at = index === this.cellCount ? this.start + 8 : this.cellOffset(index);
    const child = readU32(this.bytes, at);
    if (child < 2 || !isPageNo(child)) {
      throw corruptPage(this.page, at, `expected the page number of a child, found ${child}`);
    }
    return child;
  }

  /**
   * The row id of cell `index` of a table page. On an interior page it is the largest row id below the child of that
   * cell.
   * @throws {LacunaError} `CORRUPT_PAGE` if the cell runs out of the page
   */
  rowid(index: number): Rowid {
    const { bytes } = this;
    let at = this.cellOffset(index);
    at += this.isLeaf ? varintSize(bytes, at) : 4;
    if (at + varintSize(bytes, at) > this.usableSize) {
      throw corruptPage(this.page, at, "expected a row id inside the page");
    }
    return decodeVarint(bytes, at);
  }

  /** Where cell `index` of a table's interior page ends: after its row id. @internal */
  rowidEnd(index: number): number {
    const at = this.cellOffset(index) + 4;
    return at + varintSize(this.bytes, at);
  }
}

/** @throws {LacunaError} `CORRUPT_PAGE` if the page cannot belong to a tree of that sort */
export function requireTree(view: BtreePage, isTable: boolean): void {
  if (view.isTable === isTable) return;
  const sort = isTable ? "a table" : "an index";
  throw corruptPage(view.page, view.start, `expected a page of ${sort}, found ${view.kind}`);
}

/** @throws {LacunaError} `CORRUPT_PAGE` if the bytes are not a B-tree page */
export function parsePage(page: PageNo, bytes: Uint8Array, usableSize: number): BtreePage {
  return new BtreePage(page, bytes, usableSize);
}
