import type { BtreePage } from "./btree-page.ts";
import { CellReader } from "./cell.ts";
import { decodeNumber, serialTypeSize } from "./value.ts";
import { decodeVarint, type Rowid, varintSize } from "./varint.ts";

/**
 * The row ids that the entries of a page point to, in their order: the last field of each. Only for a page of an index on
 * a table with row ids, leaf or interior. Entries that continue on overflow pages, and those that make no sense, are left
 * out. File Format, "Representation Of SQL Indices".
 * @throws {LacunaError} `CORRUPT_PAGE` if a cell does not fit on the page
 */
export function entryRowids(view: BtreePage): Rowid[] {
  const { bytes } = view;
  const cell = new CellReader();
  const rowids: Rowid[] = [];
  for (let index = 0; index < view.cellCount; index++) {
    cell.read(view, index);
    if (cell.overflow !== undefined) continue;
    const headerSize = Number(decodeVarint(bytes, cell.start));
    // The serial type of an integer takes one byte.
    const type = bytes[cell.start + headerSize - 1] as number;
    // A header that ends beyond the page has no last type: that compares as false.
    const isInteger = type >= 1 && type <= 9 && type !== 7;
    const at = cell.localEnd - serialTypeSize(type);
    if (!isInteger || headerSize <= varintSize(bytes, cell.start) || at < cell.start + headerSize) continue;
    rowids.push(decodeNumber(bytes, at, type) as Rowid);
  }
  return rowids;
}
