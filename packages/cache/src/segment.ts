import type { PageNo, PageRange } from "@lacuna/page";

/** The segment of a page: an aligned run of `length` pages, ended by the end of the database. */
export function segmentOf(page: PageNo, length: number, pageCount: number): PageRange {
  const first = Math.floor((page - 1) / length) * length + 1;
  return { first: first as PageNo, last: Math.min(first + length - 1, pageCount) as PageNo };
}
