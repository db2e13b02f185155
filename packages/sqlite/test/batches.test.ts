import type { PageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { Batches } from "../src/scout/batches.ts";

const pages = (first: number, count: number): PageNo[] =>
  Array.from({ length: count }, (_, index) => (first + index) as PageNo);

describe("batches", () => {
  it("begin with the first and double as the reader comes along", () => {
    const batches = new Batches(4, 100);
    expect(batches.room).toBe(4);
    batches.ask(pages(1, 4));
    expect(batches.room).toBe(0);
    expect(batches.reach(9 as PageNo)).toBe(false);
    expect(batches.reach(2 as PageNo)).toBe(true);
    expect(batches.room).toBe(8);
    batches.ask(pages(5, 8));
    // Of a batch larger than a round trip takes, a quarter has to be used first.
    expect([5, 6].map((page) => batches.reach(page as PageNo))).toEqual([false, true]);
    expect(batches.room).toBe(16);
    expect([3, 7].map((page) => batches.reach(page as PageNo))).toEqual([false, false]);
    expect(batches).toMatchObject({ named: 12, reached: 5 });
  });

  it("are never far larger than what the reader has come to", () => {
    const batches = new Batches(4, 1000);
    let next = 1;
    for (let read = 0; read < 500; read++) {
      const asked = pages(next, batches.room);
      next += asked.length;
      batches.ask(asked);
      batches.widen(1000);
      expect(batches.room).toBeLessThanOrEqual(Math.max(16, read));
      batches.reach((read + 1) as PageNo);
      expect(batches.named).toBeLessThanOrEqual(Math.max(32, 2 * batches.reached));
    }
    expect(batches.reached).toBe(500);
  });

  it("never grow beyond the most", () => {
    const batches = new Batches(4, 6);
    batches.ask(pages(1, 4));
    batches.reach(1 as PageNo);
    expect(batches.room).toBe(6);
  });

  it("know what was asked for until the reader has come to it", () => {
    const batches = new Batches(4, 100);
    batches.ask(pages(1, 2));
    expect([batches.has(1 as PageNo), batches.has(3 as PageNo), batches.room]).toEqual([true, false, 2]);
    batches.reach(1 as PageNo);
    expect(batches.has(1 as PageNo)).toBe(false);
  });

  it("shrink while what they bring is of no use", () => {
    const batches = new Batches(8, 100);
    for (let round = 0; round < 6; round++) {
      batches.ask(pages(100 * round + 1, batches.room));
      batches.beginAnew();
    }
    expect(batches.room).toBeLessThan(4);
    const unseen = new Batches(8, 8);
    unseen.ask(pages(1, 8));
    for (const page of pages(1, 4)) unseen.reach(page);
    for (const first of [100, 200]) {
      unseen.grow();
      unseen.ask(pages(first, 8));
    }
    unseen.beginAnew();
    // Of the latest batch it cannot be told yet.
    expect(unseen.room).toBe(8);
    const useful = new Batches(8, 100);
    for (let round = 0; round < 6; round++) {
      const asked = pages(100 * round + 1, useful.room);
      useful.ask(asked);
      for (const page of asked) useful.reach(page);
      useful.beginAnew();
    }
    expect(useful.room).toBeGreaterThan(8);
  });
});
