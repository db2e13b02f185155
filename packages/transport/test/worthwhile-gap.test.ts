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
  it("is reckoned for 100 ms and 20 Mbit/s as long as nothing is measured", () => {
    const assumed: LinkEstimate = { roundTripMs: 100, bytesPerSecond: 2_500_000 };
    for (const step of [2, 10, 16, 30, 300]) {
      expect(outcome(every(step, 40), undefined)).toEqual(outcome(every(step, 40), assumed));
    }
    expect(outcome(every(4, 20), undefined).requests).toBe(1);
  });

  it("is small where all requests go on at once anyway", () => {
    expect(outcome(every(20, 6), LINK)).toEqual({ requests: 6, unwanted: 0 });
    expect(outcome(every(4, 6), LINK)).toEqual({ requests: 1, unwanted: 15 });
  });

  it("closes what spares a whole round of requests", () => {
    // Seven requests would take two rounds; what lies between the last two takes less than a round and a request.
    expect(outcome([...every(100, 6), 511], LINK)).toEqual({ requests: 6, unwanted: 9 });
    expect(outcome([...every(100, 6), 551], LINK)).toEqual({ requests: 7, unwanted: 0 });
  });

  it("takes the least time for a list of gaps of every length", () => {
    const wanted: number[] = [1];
    for (let at = 1; at < 60; at++) wanted.push((wanted.at(-1) ?? 0) + 1 + ((at * 7) % 20));
    const roundPages = (LINK.roundTripMs * LINK.bytesPerSecond) / 1000 / PAGE;
    const cost = ({ requests, unwanted }: { requests: number; unwanted: number }): number =>
      (Math.ceil(requests / 6) + requests / 4) * roundPages + unwanted;
    const chosen = cost(outcome(wanted, LINK));
    for (let gap = 0; gap < 20; gap++) {
      const plan = planRanges(single(...wanted), { pageSize: PAGE, gapBytes: gap * PAGE, demand: true });
      const travelling = plan.reduce((sum, { first, last }) => sum + last - first + 1, 0);
      expect(chosen).toBeLessThanOrEqual(
        cost({ requests: plan.length, unwanted: travelling - wanted.length }),
      );
    }
  });

  it("asks for 85 pages scattered over 510 in at most six requests", () => {
    const wanted: number[] = [1];
    for (let at = 1; at < 85; at++) wanted.push((wanted.at(-1) ?? 0) + 1 + ((at * at) % 11));
    const { requests, unwanted } = outcome(wanted, LINK);
    expect(requests).toBeLessThanOrEqual(6);
    expect(unwanted).toBeLessThanOrEqual(4 * wanted.length);
  });

  it("lets no more than four times the wanted bytes travel, if a round trip carries less", () => {
    // Gaps of 1 to 24 pages, five of each: all of them would be closed if that were not too much.
    const wanted: number[] = [1];
    for (let at = 0; at < 120; at++) wanted.push((wanted.at(-1) ?? 0) + 2 + (at % 24));
    const { requests, unwanted } = outcome(wanted, { roundTripMs: 50, bytesPerSecond: 5_000_000 });
    expect(unwanted).toBeGreaterThan(400);
    expect(unwanted).toBeLessThanOrEqual(4 * wanted.length);
    expect(requests).toBeGreaterThan(6);
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
