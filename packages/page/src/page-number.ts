/**
 * Page number as SQLite stores it: from 1. Page 1 also holds the database header.
 * B-tree pointers, WAL frames and the root pages of the schema are page numbers.
 */
export type PageNo = number & { readonly __unit: "PageNo" };

/** Position of a page in the file or on the wire: from 0. Page index 0 is page number 1. */
export type PageIndex = number & { readonly __unit: "PageIndex" };

/** The largest page number of a SQLite database. File Format, "Pages". */
export const MAX_PAGE_NO: PageNo = 4_294_967_294 as PageNo;

/** @throws {RangeError} unless `value` is an integer from 1 to 4294967294 */
export function pageNo(value: number): PageNo {
  if (isPageNo(value)) return value;
  throw new RangeError(`page number must be an integer from 1 to ${MAX_PAGE_NO}, got ${value}`);
}

/** True for an integer from 1 to 4294967294. */
export function isPageNo(value: number): value is PageNo {
  return Number.isInteger(value) && value >= 1 && value <= MAX_PAGE_NO;
}

/** @throws {RangeError} unless `value` is an integer from 0 to 4294967293 */
export function pageIndex(value: number): PageIndex {
  if (Number.isInteger(value) && value >= 0 && value < MAX_PAGE_NO) return value as PageIndex;
  throw new RangeError(`page index must be an integer from 0 to ${MAX_PAGE_NO - 1}, got ${value}`);
}

/** The position of a page in the file: one less than its number. */
export const indexOfPage = (page: PageNo): PageIndex => (page - 1) as PageIndex;

/** The number of the page at a position: one more than its index. */
export const pageAtIndex = (index: PageIndex): PageNo => (index + 1) as PageNo;

/** The byte offset at which a page starts in the database file. */
export const offsetOfPage = (page: PageNo, pageSize: number): number => (page - 1) * pageSize;

/** True for a page size SQLite can have: a power of two from 512 to 65536. File Format, "Page Size". */
export function isPageSize(value: number): boolean {
  return Number.isInteger(value) && value >= 512 && value <= 65536 && (value & (value - 1)) === 0;
}
