import { type PageNo, pagesOf, rangesInOrder } from "@lacuna/page";
import { expect, it } from "vitest";
import { commonPages, firstPagesFirst, otherPages } from "../src/page-range-sets.ts";
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

it("pages named first come first, each once, and nothing is added to what is sent", () => {
  const no = (...numbers: number[]): PageNo[] => numbers.map((number) => number as PageNo);
  const pages = rangesInOrder(no(2, 3, 4, 5, 6, 9));
  const order = (...first: number[]): PageNo[] => [...pagesOf(firstPagesFirst(pages, no(...first)))];
  expect(order()).toEqual([2, 3, 4, 5, 6, 9]);
  expect(order(9, 4)).toEqual([9, 4, 2, 3, 5, 6]);
  expect(order(7, 5, 1, 5, 1000)).toEqual([5, 2, 3, 4, 6, 9]);
  expect(order(9, 6, 5, 4, 3, 2)).toEqual([9, 6, 5, 4, 3, 2]);
});
