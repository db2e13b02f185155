import type { BtreePage } from "../btree-page.ts";
import { CellReader } from "../cell.ts";
import type { TextEncoding } from "../database-header.ts";
import { RecordReader } from "../record.ts";
import type { Value } from "../value.ts";

/**
 * The values of one entry of an index or of a WITHOUT ROWID table, to make up others that are like it.
 * @param cell from 0, less than the page's `cellCount`
 * @returns `undefined` for an entry that continues on overflow pages
 * @throws {LacunaError} `CORRUPT_PAGE` if the cell does not fit on the page or is no record
 */
export function entryValues(
  view: BtreePage,
  cell: number,
  encoding: TextEncoding = "utf-8",
): Value[] | undefined {
  const reader = new CellReader();
  reader.read(view, cell);
  if (reader.overflow !== undefined) return undefined;
  const record = new RecordReader(encoding);
  record.reset(view.page, reader.offset, view.bytes, reader.start, reader.localEnd, reader.payloadSize);
  return record.values();
}
