import type { BtreePage } from "./btree-page.ts";
import { CellReader } from "./cell.ts";
import { decodeNumber, serialTypeSize } from "./value.ts";
import { decodeVarint, type Rowid, varintSize } from "./varint.ts";

/**
 * The row ids that the entries of a page point to, in their order: the last field of each. Only for a page of an index on
 * a table with row ids, leaf or interior. Entries that continue on overflow pages, and those that make no sense, are left
 * out. File Format, "Representation Of SQL Indices".
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
    if (headerSize <= varintSize(bytes, cell.start) || type === 0 || type > 9 || type === 7) continue;
    const at = cell.localEnd - serialTypeSize(type);
    if (at < cell.start + headerSize) continue;
    rowids.push(decodeNumber(bytes, at, type) as Rowid);
  }
  return rowids;
}
