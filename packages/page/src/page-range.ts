import type { PageNo } from "./page-number.ts";

/** A run of consecutive pages. Both ends belong to it. */
export interface PageRange {
  readonly first: PageNo;
  /** Not less than `first`. */
  readonly last: PageNo;
}

/** How many pages the ranges hold together. Overlaps count twice. */
export function countPages(ranges: readonly PageRange[]): number {
  let count = 0;
  for (const range of ranges) count += range.last - range.first + 1;
  return count;
}

/**
 * Folds pages into ranges, keeping their order: a page joins the range before it only when it follows
 * that range directly. The order says what is wanted first, so it is never sorted here.
 */
export function rangesInOrder(pages: Iterable<PageNo>): PageRange[] {
  const ranges: { first: PageNo; last: PageNo }[] = [];
  let open: { first: PageNo; last: PageNo } | undefined;
  for (const page of pages) {
    if (open !== undefined && page === open.last + 1) open.last = page;
    else {
      open = { first: page, last: page };
      ranges.push(open);
    }
  }
  return ranges;
}

/** Every page of the ranges, in their order. */
export function* pagesOf(ranges: Iterable<PageRange>): Generator<PageNo, void, undefined> {
  for (const { first, last } of ranges) {
    for (let page: number = first; page <= last; page++) yield page as PageNo;
  }
}
