import { describe, expect, it } from "vitest";
import { MAX_PAGE_NO, type PageNo, PageSet, pageNo } from "../src/index.ts";

describe("PageSet", () => {
  it("says whether a page is new and whether it was there", () => {
    const set = new PageSet();
    expect(set.add(pageNo(7))).toBe(true);
    expect(set.add(pageNo(7))).toBe(false);
    expect(set.has(pageNo(7))).toBe(true);
    expect(set.has(pageNo(8))).toBe(false);
    expect(set.delete(pageNo(8))).toBe(false);
    expect(set.delete(pageNo(7))).toBe(true);
    expect(set.delete(pageNo(7))).toBe(false);
    expect(set.size).toBe(0);
  });

  it("iterates in ascending order, over the whole range of page numbers", () => {
    const pages = [MAX_PAGE_NO, 1, 31, 32, 33, 63, 64, 32_767, 32_768, 65_535, 65_536].map(pageNo);
    const set = new PageSet(pages);
    expect([...set]).toEqual(pages.toSorted((a, b) => a - b));
    expect(set.size).toBe(pages.length);
  });

  it("gives the fewest ranges, also across the bounds of its chunks", () => {
    const pages = [1, 2, 3, 31, 32, 32_766, 32_767, 32_768, 32_769, MAX_PAGE_NO].map(pageNo);
    expect(new PageSet(pages.toReversed()).ranges()).toEqual([
      { first: 1, last: 3 },
      { first: 31, last: 32 },
      { first: 32_766, last: 32_769 },
      { first: MAX_PAGE_NO, last: MAX_PAGE_NO },
    ]);
  });

  it("is empty after clear, and can be filled again", () => {
    const set = new PageSet([pageNo(1), pageNo(100_000)]);
    set.clear();
    expect([...set]).toEqual([]);
    expect(set.size).toBe(0);
    set.add(pageNo(2));
    expect([...set]).toEqual([2]);
  });

  it("agrees with a Set of numbers over any operations", () => {
    let noise = 3;
    const next = (limit: number): number => {
      noise = (Math.imul(noise, 1_103_515_245) + 12_345) >>> 0;
      return (noise >>> 8) % limit;
    };
    const set = new PageSet();
    const model = new Set<PageNo>();
    for (let step = 0; step < 20_000; step++) {
      const page = pageNo(1 + next(300) + 32_600 * next(3));
      if (next(2) === 0) {
        const fresh = !model.has(page);
        model.add(page);
        if (set.add(page) !== fresh) throw new Error(`add ${page} at step ${step}`);
      } else if (set.delete(page) !== model.delete(page)) throw new Error(`delete ${page} at step ${step}`);
    }
    expect([...set]).toEqual([...model].sort((a, b) => a - b));
    expect(set.size).toBe(model.size);
  });
});
