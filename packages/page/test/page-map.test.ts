import { describe, expect, it } from "vitest";
import { MAX_PAGE_NO, PageMap, pageNo } from "../src/index.ts";

describe("PageMap", () => {
  it("keeps the last value of a page until it is deleted", () => {
    const map = new PageMap<string>();
    expect(map.get(pageNo(7))).toBeUndefined();
    map.set(pageNo(7), "a");
    map.set(pageNo(7), "b");
    expect(map.get(pageNo(7))).toBe("b");
    expect(map.size).toBe(1);
    expect(map.has(pageNo(8))).toBe(false);
    expect(map.delete(pageNo(8))).toBe(false);
    expect(map.delete(pageNo(7))).toBe(true);
    expect(map.delete(pageNo(7))).toBe(false);
    expect(map.has(pageNo(7))).toBe(false);
    expect(map.size).toBe(0);
  });

  it("has a page also where its value is undefined", () => {
    const map = new PageMap<undefined>();
    map.set(pageNo(3), undefined);
    expect(map.has(pageNo(3))).toBe(true);
    expect(map.size).toBe(1);
  });

  it("agrees with a Map through thousands of random changes, crowded and sparse, up to the last page number", () => {
    let seed = 1;
    const random = (below: number): number => {
      seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor((seed / 2 ** 32) * below);
    };
    for (const range of [24, 3000, MAX_PAGE_NO]) {
      const map = new PageMap<number>();
      const expected = new Map<number, number>();
      const met: number[] = [];
      let differences = 0;
      for (let step = 0; step < 20_000; step++) {
        const known = random(3) > 0 ? met[random(met.length)] : undefined;
        const page = known ?? 1 + random(range);
        if (known === undefined) met.push(page);
        if (random(2) === 0) {
          if (map.delete(pageNo(page)) !== expected.delete(page)) differences++;
        } else {
          map.set(pageNo(page), step);
          expected.set(page, step);
        }
        if (step % 500 === 0) {
          expect(map.size).toBe(expected.size);
          for (const one of met) if (map.get(pageNo(one)) !== expected.get(one)) differences++;
        }
      }
      expect(differences).toBe(0);
    }
  });

  it("is empty after clear, and can be filled again", () => {
    const map = new PageMap<number>();
    for (let page = 1; page <= 100; page++) map.set(pageNo(page), page);
    map.clear();
    expect(map.size).toBe(0);
    expect(map.has(pageNo(5))).toBe(false);
    map.set(pageNo(5), 5);
    expect(map.get(pageNo(5))).toBe(5);
  });
});
