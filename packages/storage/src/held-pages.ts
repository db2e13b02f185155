import { countPages, type PageNo, type PageRange, PageSet, pagesOf } from "@lacuna/page";

/** The pages of the set that lie in the ranges, ascending. Costs no more than the smaller of the two. */
export function heldPages(held: PageSet, ranges: readonly PageRange[]): PageNo[] {
  if (countPages(ranges) > held.size) {
    return [...held].filter((page) => ranges.some(({ first, last }) => page >= first && page <= last));
  }
  const found = new PageSet();
  for (const page of pagesOf(ranges)) if (held.has(page)) found.add(page);
  return [...found];
}
