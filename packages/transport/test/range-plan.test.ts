import type { PageRange } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { planRanges, type RangePlanOptions } from "../src/http-range/range-plan.ts";
import { pages } from "./collect.ts";

const plan = (ranges: PageRange[], options: Partial<RangePlanOptions> = {}): string[] =>
  planRanges(ranges, { pageSize: 4096, gapBytes: 8192, demand: true, ...options }).map(
    ({ first, last, wanted }) =>
      `${first}-${last} for ${wanted.map((range) => `${range.first}-${range.last}`).join(",")}`,
  );

describe("planRanges", () => {
  it("plans nothing for nothing", () => {
    expect(plan([])).toEqual([]);
  });

  it("makes one request of pages that follow each other, whatever their order", () => {
    expect(plan(pages(6, 5, 7, 8))).toEqual(["5-8 for 5-8"]);
  });

  it("bridges a gap up to the limit and not above it", () => {
    expect(plan(pages(1, 4))).toEqual(["1-4 for 1-1,4-4"]);
    expect(plan(pages(1, 5))).toEqual(["1-1 for 1-1", "5-5 for 5-5"]);
  });

  it("bridges no gap with a limit below a page", () => {
    expect(plan(pages(1, 3), { gapBytes: 4095 })).toEqual(["1-1 for 1-1", "3-3 for 3-3"]);
  });

  it("puts the request with the page wanted first in front", () => {
    expect(plan(pages(90, 10, 50, 91))).toEqual(["90-91 for 90-91", "10-10 for 10-10", "50-50 for 50-50"]);
  });

  it("starts a request of its own at a demanded page that would come late", () => {
    const wanted = [
      ...pages(500),
      ...[{ ...pages(100)[0], last: pages(499)[0]?.first }, ...pages(501)],
    ] as PageRange[];
    expect(plan(wanted)).toEqual(["500-501 for 500-501", "100-499 for 100-499"]);
    expect(plan(wanted, { demand: false })).toEqual(["100-501 for 100-501"]);
  });
});
