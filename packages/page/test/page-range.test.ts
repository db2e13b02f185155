import { describe, expect, it } from "vitest";
import { countPages, pageNo, pagesOf, rangesInOrder } from "../src/index.ts";

const range = (first: number, last: number) => ({ first: pageNo(first), last: pageNo(last) });

describe("rangesInOrder", () => {
  it("joins a page to the range before it only when it follows directly", () => {
    expect(rangesInOrder([5, 6, 7, 9, 10].map(pageNo))).toEqual([range(5, 7), range(9, 10)]);
  });

  it("keeps the order, which says what is wanted first", () => {
    expect(rangesInOrder([6, 5, 7, 8].map(pageNo))).toEqual([range(6, 6), range(5, 5), range(7, 8)]);
  });

  it("makes nothing of nothing", () => {
    expect(rangesInOrder([])).toEqual([]);
  });
});

describe("pagesOf", () => {
  it("gives back the pages of ranges in their order, both ends included", () => {
    const pages = [6, 5, 7, 8, 8].map(pageNo);
    expect([...pagesOf(rangesInOrder(pages))]).toEqual(pages);
  });
});

describe("countPages", () => {
  it("counts both ends, and overlaps twice", () => {
    expect(countPages([])).toBe(0);
    expect(countPages([range(5, 8), range(8, 8)])).toBe(5);
  });
});
