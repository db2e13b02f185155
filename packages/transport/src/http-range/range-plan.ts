import { type PageNo, type PageRange, pagesOf, rangesInOrder } from "@lacuna/page";

/** One range request: every page from `first` to `last` travels. */
export interface PlannedRange extends PageRange {
  /** Ascending, apart from each other, all of them inside. */
  readonly wanted: readonly PageRange[];
}

export interface RangePlanOptions {
  readonly pageSize: number;
  /** Bytes nobody wants that may travel to save a request. */
  readonly gapBytes: number;
  /** A reader waits for the first page, so not much should travel before it. */
  readonly demand: boolean;
}

/** So much may travel before the page somebody waits for: two segments of the usual size. */
const LEAD_BYTES = 262_144;

/**
 * Divides wanted pages into range requests: pages with no more than `gapBytes` between them share one. The request with
 * the page wanted first comes first; on demand, it starts a request of its own if more than 256 KiB would travel before it.
 * @param pages most urgent first, no page twice
 */
export function planRanges(pages: readonly PageRange[], options: RangePlanOptions): PlannedRange[] {
  const { pageSize, gapBytes, demand } = options;
  const gapPages = Math.floor(gapBytes / pageSize);
  const leadPages = Math.floor(LEAD_BYTES / pageSize);
  const urgent = demand ? pages[0]?.first : undefined;
  const sorted = pages.map((range, rank) => ({ ...range, rank })).sort((a, b) => a.first - b.first);
  const plan: { first: PageNo; last: PageNo; wanted: PageRange[]; rank: number }[] = [];
  for (const { first, last, rank } of sorted) {
    const open = plan.at(-1);
    const tooLate = open !== undefined && first === urgent && first - open.first > leadPages;
    if (open === undefined || first - open.last - 1 > gapPages || tooLate) {
      plan.push({ first, last, wanted: [{ first, last }], rank });
      continue;
    }
    open.wanted.push({ first, last });
    open.last = last;
    open.rank = Math.min(open.rank, rank);
  }
  plan.sort((a, b) => a.rank - b.rank);
  return plan.map((range) => ({ ...range, wanted: rangesInOrder(pagesOf(range.wanted)) }));
}
