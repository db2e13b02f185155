import type { PageNo, PageRange } from "@lacuna/page";

/** Divides ranges, in their order, into groups of at most `maxPages` pages. */
export function* pageChunks(
  ranges: Iterable<PageRange>,
  maxPages: number,
): Generator<PageRange[], void, undefined> {
  let group: PageRange[] = [];
  let room = maxPages;
  for (const { first, last } of ranges) {
    for (let from: number = first; from <= last; ) {
      const to = Math.min(last, from + room - 1);
      group.push({ first: from as PageNo, last: to as PageNo });
      room -= to - from + 1;
      from = to + 1;
      if (room === 0) {
        yield group;
        group = [];
        room = maxPages;
      }
    }
  }
  if (group.length > 0) yield group;
}
