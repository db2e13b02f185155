import { DATABASE_HEADER_BYTES, type DatabaseHeader, parseDatabaseHeader } from "@lacuna/btree";
import { LacunaError, pageNo } from "@lacuna/page";
import { USUAL_PAGE_SIZE } from "./usual-page-size.ts";

/** What the header and the length of a database file say together. */
export interface FileShape {
  readonly pageSize: number;
  readonly pageCount: number;
  readonly changeCounter: number;
}

/**
 * The shape of a database file. The page count in the header counts where it is valid, else the length of the file.
 * Bytes after the last whole page are ignored. File Format, "In-header database size".
 * @param head the first 100 bytes of the file or more; fewer only if the file is shorter
 * @throws {LacunaError} `NOT_A_DATABASE`, or `CORRUPT_PAGE` if the file is too short for the pages it should hold
 */
export function shapeOfFile(head: Uint8Array, fileBytes: number): FileShape {
  if (fileBytes === 0) return { pageSize: USUAL_PAGE_SIZE, pageCount: 0, changeCounter: 0 };
  const header: DatabaseHeader = parseDatabaseHeader(head.subarray(0, DATABASE_HEADER_BYTES));
  const { pageSize, changeCounter } = header;
  const whole = Math.floor(fileBytes / pageSize);
  const pageCount = header.pageCountIsValid ? header.pageCount : Math.max(1, whole);
  if (pageCount > whole) {
    throw new LacunaError(
      "CORRUPT_PAGE",
      `the header counts ${pageCount} pages of ${pageSize} bytes, the file has only ${fileBytes} bytes: it is cut short`,
      { page: pageNo(1), offset: 28 },
    );
  }
  return { pageSize, pageCount, changeCounter };
}
