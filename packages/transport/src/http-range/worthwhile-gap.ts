import type { LinkEstimate, PageRange } from "@lacuna/page";

/** As long as nothing is measured: a host on another continent, over a line of 20 Mbit/s. */
const USUAL_LINK: LinkEstimate = { roundTripMs: 100, bytesPerSecond: 2_500_000 };
/** A gap so small is never worth a request of its own. */
const SMALL_GAP_BYTES = 16_384;
/**
 * Of a round trip, what a request costs besides its share of the round: connections that have to be opened first, headers,
 * the work of the host.
 */
const REQUEST_SHARE = 1 / 4;
/** Bytes nobody asked for that may travel for each that somebody did. */
const MOST_WASTE = 4;

export interface GapOptions {
  readonly pageSize: number;
  /** Requests that go on at once. */
  readonly maxRequests: number;
  /** `undefined` as long as nothing is measured: 100 ms and 20 Mbit/s are assumed. */
  readonly link: LinkEstimate | undefined;
}

/**
 * The longest gap between wanted pages that should travel to save a request, in bytes: with it the whole list takes the
 * least time. That is a round trip for every `maxRequests` requests, a quarter of one for each of them, at least the time
 * of 16 KiB, and the time of the bytes. In the gaps travels at most four times what is wanted, or what the link carries in
 * a round trip if that is more.
 * @param pages no page twice
 */
export function worthwhileGap(pages: readonly PageRange[], options: GapOptions): number {
  const { link = USUAL_LINK, maxRequests, pageSize } = options;
  const roundBytes = (link.roundTripMs / 1000) * link.bytesPerSecond;
  const requestBytes = Math.max(SMALL_GAP_BYTES, roundBytes * REQUEST_SHARE);
  const wanted = pages.reduce((sum, { first, last }) => sum + last - first + 1, 0) * pageSize;
  const most = Math.max(MOST_WASTE * wanted, roundBytes);
  const gaps = gapsBetween(pages).map((gap) => gap * pageSize);
  const costOf = (requests: number): number =>
    Math.ceil(requests / maxRequests) * roundBytes + requests * requestBytes;
  let worthwhile = 0;
  let least = costOf(gaps.length + 1);
  let travelling = 0;
  for (const [at, gap] of gaps.entries()) {
    travelling += gap;
    if (travelling > most) break;
    // Gaps of one length are closed together.
    if (gaps[at + 1] === gap) continue;
    const cost = costOf(gaps.length - at) + travelling;
    if (cost >= least) continue;
    least = cost;
    worthwhile = gap;
  }
  return worthwhile;
}

/** Pages between the ranges, ascending; none for ranges that touch. */
function gapsBetween(pages: readonly PageRange[]): number[] {
  const sorted = pages.toSorted((a, b) => a.first - b.first);
  const gaps: number[] = [];
  for (let at = 1; at < sorted.length; at++) {
    const gap = (sorted[at] as PageRange).first - (sorted[at - 1] as PageRange).last - 1;
    if (gap > 0) gaps.push(gap);
  }
  return gaps.sort((a, b) => a - b);
}
