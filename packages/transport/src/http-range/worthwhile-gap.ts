import type { LinkEstimate, PageRange } from "@lacuna/page";

/** A gap so small is never worth a request of its own, nor a larger one as long as nothing was measured. */
const SMALL_GAP_BYTES = 16_384;

export interface GapOptions {
  readonly pageSize: number;
  /** Requests that go on at once. */
  readonly maxRequests: number;
  readonly link: LinkEstimate | undefined;
}

/**
 * The longest gap between wanted pages that should travel to save a request, in bytes. Requests that go on at once share
 * their round trip, so closing a gap only saves time where it spares another round of them: gaps are closed, the smallest first,
 * for as many rounds as what is in them takes less time than the rounds do.
 * @param pages no page twice
 */
export function worthwhileGap(pages: readonly PageRange[], options: GapOptions): number {
  const { link, maxRequests, pageSize } = options;
  if (link === undefined) return SMALL_GAP_BYTES;
  const roundBytes = (link.roundTripMs / 1000) * link.bytesPerSecond;
  const small = Math.min(SMALL_GAP_BYTES, roundBytes);
  const gaps = gapsBetween(pages).map((gap) => gap * pageSize);
  const closed = gaps.filter((bytes) => bytes <= small).length;
  const rounds = Math.ceil((gaps.length + 1 - closed) / maxRequests);
  let worthwhile = small;
  let least = rounds * roundBytes;
  let travelling = 0;
  for (let at = closed; at < gaps.length; at++) {
    travelling += gaps[at] as number;
    const left = Math.ceil((gaps.length - at) / maxRequests);
    const cost = left * roundBytes + travelling;
    if (cost >= least) continue;
    least = cost;
    worthwhile = gaps[at] as number;
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
