import { type PageNo, type PageRange, PageSet, pagesOf, rangesInOrder } from "@lacuna/page";

/** The pages that both lists hold. Lists are ascending and without overlaps. */
export function commonPages(one: readonly PageRange[], other: readonly PageRange[]): PageRange[] {
  const common: PageRange[] = [];
  for (let i = 0, j = 0; ; ) {
    const left = one[i];
    const right = other[j];
    if (left === undefined || right === undefined) return common;
    const first = Math.max(left.first, right.first) as PageNo;
    const last = Math.min(left.last, right.last) as PageNo;
    if (first <= last) common.push({ first, last });
    if (left.last <= right.last) i++;
    else j++;
  }
}

/** The pages of the first list that the second does not hold. */
export function otherPages(pages: readonly PageRange[], without: readonly PageRange[]): PageRange[] {
  const rest: PageRange[] = [];
  let j = 0;
  for (const { first, last } of pages) {
    let from: number = first;
    for (; j < without.length; j++) {
      const gap = without[j];
      if (gap === undefined || gap.first > last) break;
      if (gap.first > from) rest.push({ first: from as PageNo, last: (gap.first - 1) as PageNo });
      from = Math.max(from, gap.last + 1);
      // It may reach into the next range too.
      if (gap.last > last) break;
    }
    if (from <= last) rest.push({ first: from as PageNo, last });
  }
  return rest;
}

/** The pages of the list, ascending, but those named first, in the order in which they are named. */
export function firstPagesFirst(pages: readonly PageRange[], first: readonly PageNo[]): readonly PageRange[] {
  if (first.length === 0) return pages;
  const found = new PageSet(pagesOf(commonPages(new PageSet(first).ranges(), pages)));
  const rest = otherPages(pages, found.ranges());
  return [...rangesInOrder(first.filter((page) => found.delete(page))), ...rest];
}
