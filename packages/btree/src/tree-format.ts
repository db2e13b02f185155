import type { DatabaseHeader, TextEncoding } from "./database-header.ts";

/** No B-tree of SQLite has more levels. */
export const MAX_DEPTH = 20;

/** What walks must know of a database. A `DatabaseHeader` with the true page count is one. */
export interface TreeFormat {
  /** Bytes of each page that hold content. */
  readonly usableSize: number;
  /** Pages in the database: what lies beyond is corrupt. Take the source's count where the header's is not valid. */
  readonly pageCount: number;
  readonly textEncoding: TextEncoding;
}

/** The format that the header tells, with the page count that the source of the pages tells. */
export function treeFormat(header: DatabaseHeader, pageCount: number): TreeFormat {
  return { usableSize: header.usableSize, pageCount, textEncoding: header.textEncoding };
}

/** How many bytes of a payload lie in the cell itself. File Format, "Cell Payload Overflow Pages". */
export function localSize(payloadSize: number, usableSize: number, isTable: boolean): number {
  const least = Math.floor(((usableSize - 12) * 32) / 255) - 23;
  const most = isTable ? usableSize - 35 : Math.floor(((usableSize - 12) * 64) / 255) - 23;
  if (payloadSize <= most) return payloadSize;
  const local = least + ((payloadSize - least) % (usableSize - 4));
  return local <= most ? local : least;
}
