import { type PageNo, pagesOf, rangesInOrder } from "@lacuna/page";
import { expect, it } from "vitest";
import { commonPages, otherPages } from "../src/page-range-sets.ts";
import { randomNumbers } from "./random-numbers.ts";

it("common and other pages are those of sets of pages", () => {
  const random = randomNumbers(4);
  for (let round = 0; round < 2000; round++) {
    const [one = [], other = []] = [0, 1].map(() => {
      const density = random();
      return Array.from({ length: 24 }, (_, i) => (i + 1) as PageNo).filter(() => random() < density);
    });
    const common = commonPages(rangesInOrder(one), rangesInOrder(other));
    expect([...pagesOf(common)]).toEqual(one.filter((page) => other.includes(page)));
    const rest = otherPages(rangesInOrder(one), rangesInOrder(other));
    expect([...pagesOf(rest)]).toEqual(one.filter((page) => !other.includes(page)));
  }
});

it("one range over the whole of others costs nothing extra", () => {
  const all = [{ first: 1 as PageNo, last: 4_000_000_000 as PageNo }];
  const hole = [{ first: 7 as PageNo, last: 9 as PageNo }];
  expect(commonPages(all, hole)).toEqual(hole);
  expect(otherPages(all, hole)).toEqual([
    { first: 1, last: 6 },
    { first: 10, last: 4_000_000_000 },
  ]);
});
