import { type LinkEstimate, pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { planRanges } from "../src/http-range/range-plan.ts";
import { worthwhileGap } from "../src/http-range/worthwhile-gap.ts";

const PAGE = 4096;
/** 125 KB in a round trip. */
const LINK: LinkEstimate = { roundTripMs: 50, bytesPerSecond: 2_500_000 };

const single = (...pages: number[]) => pages.map((page) => ({ first: pageNo(page), last: pageNo(page) }));

/** How many requests the gap leads to, and how many pages they bring that nobody wants. */
function outcome(pages: readonly number[], link: LinkEstimate | undefined, maxRequests = 6) {
  const ranges = single(...pages);
  const gapBytes = worthwhileGap(ranges, { pageSize: PAGE, maxRequests, link });
  const plan = planRanges(ranges, { pageSize: PAGE, gapBytes, demand: true });
  const travelling = plan.reduce((sum, { first, last }) => sum + last - first + 1, 0);
  return { requests: plan.length, unwanted: travelling - pages.length };
}

const every = (step: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => 1 + index * step);

describe("the gap that is worth travelling", () => {
  it("is 16 KiB as long as nothing is measured", () => {
    expect(worthwhileGap(single(1, 500), { pageSize: PAGE, maxRequests: 6, link: undefined })).toBe(16_384);
  });

  it("is small where all requests go on at once anyway", () => {
    expect(outcome(every(20, 6), LINK)).toEqual({ requests: 6, unwanted: 0 });
  });

  it("closes what spares a whole round of requests", () => {
    // Seven requests would take two rounds; nine pages between the last two take less than one.
    expect(outcome([...every(100, 6), 511], LINK)).toEqual({ requests: 6, unwanted: 9 });
    expect(outcome([...every(100, 6), 541], LINK)).toEqual({ requests: 7, unwanted: 0 });
  });

  it("closes every gap where the distance is what costs", () => {
    const far: LinkEstimate = { roundTripMs: 300, bytesPerSecond: 12_500_000 };
    expect(outcome(every(10, 60), far).requests).toBeLessThanOrEqual(6);
  });

  it("leaves gaps open where bytes are what costs", () => {
    const near: LinkEstimate = { roundTripMs: 1, bytesPerSecond: 1_000_000 };
    expect(outcome(every(10, 60), near)).toEqual({ requests: 60, unwanted: 0 });
  });

  it("takes one page for no gap at all", () => {
    expect(outcome([7], LINK)).toEqual({ requests: 1, unwanted: 0 });
  });
});
