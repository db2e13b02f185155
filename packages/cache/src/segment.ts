import type { LinkEstimate, PageNo, PageRange } from "@lacuna/page";

/** The size of a segment where nobody said anything and nothing was measured. */
export const DEFAULT_SEGMENT_BYTES = 128 * 1024;
const LEAST_BYTES = 16 * 1024;
const MOST_BYTES = 1024 * 1024;

/**
 * The power of two nearest to what a link carries in one round trip: a smaller segment would save no time, a larger one takes
 * longer than asking again.
 */
export function segmentBytesFor(link: LinkEstimate | undefined): number {
  if (link === undefined) return DEFAULT_SEGMENT_BYTES;
  const carried = (link.roundTripMs / 1000) * link.bytesPerSecond;
  if (!(carried > LEAST_BYTES)) return LEAST_BYTES;
  return Math.min(MOST_BYTES, 2 ** Math.round(Math.log2(carried)));
}

/** The segment of a page: an aligned run of `length` pages, ended by the end of the database. */
export function segmentOf(page: PageNo, length: number, pageCount: number): PageRange {
  const first = Math.floor((page - 1) / length) * length + 1;
  return { first: first as PageNo, last: Math.min(first + length - 1, pageCount) as PageNo };
}
