import { pageNo } from "@lacuna/page";
import { laterTurn } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import type { CacheEvent } from "../src/index.ts";
import { pagesNo, setUp } from "./set-up.ts";

describe("stats", () => {
  it("counts what was fetched by its cause, and what became of it", async () => {
    const { cache, transport } = await setUp({ segmentBytes: 16 * 1024, pageSize: 4096 });
    await Promise.all([cache.read(pageNo(6)), cache.prefetch(pagesNo(20, 21, 22))]);
    cache.peek(pageNo(7));
    cache.peek(pageNo(7));
    await cache.read(pageNo(20));
    transport.hold();
    const prefetching = cache.prefetch(pagesNo(30));
    await laterTurn();
    const late = cache.read(pageNo(30));
    await laterTurn();
    transport.release();
    await Promise.all([late, prefetching, laterTurn()]);
    expect(cache.stats()).toEqual({
      requests: 2,
      failedRequests: 0,
      cancelledRequests: 0,
      hits: 3,
      storeReads: 0,
      misses: 2,
      fetchedPages: 8,
      fetchedBytes: 8 * 4096,
      demandPages: 1,
      segment: { fetched: 3, used: 1, late: 0, unread: 2 },
      prefetch: { fetched: 4, used: 1, late: 1, unread: 2 },
      failedPrefetchPages: 0,
      refusedPages: 0,
      residentPages: 8,
      memoryBytes: 8 * 4096,
    });
  });

  it("counts a page as used also when memory has dropped it meanwhile", async () => {
    const { cache } = await setUp({ memoryBytes: 0 });
    await cache.prefetch(pagesNo(20, 21));
    await laterTurn();
    await cache.read(pageNo(20));
    expect(cache.stats().prefetch).toEqual({ fetched: 2, used: 1, late: 0, unread: 1 });
  });
});

describe("memory", () => {
  it("stays within its budget, and the store serves the rest without the remote", async () => {
    const { cache, transport, database } = await setUp({ memoryBytes: 10 * 4096, segmentBytes: 4096 * 100 });
    for (let round = 0; round < 2; round++) {
      for (let page = 1; page <= 100; page++) {
        expect(await cache.read(pageNo(page))).toEqual(database.page(pageNo(page)));
        if (round === 1) expect(cache.stats().memoryBytes).toBeLessThanOrEqual(10 * 4096);
      }
      await laterTurn();
    }
    expect(transport.requests).toHaveLength(1);
  });
});

describe("events", () => {
  it("tell of each request and how it ended", async () => {
    const events: CacheEvent[] = [];
    const { cache } = await setUp({ segmentBytes: 8192, onEvent: (event) => events.push(event) });
    await cache.read(pageNo(6));
    await laterTurn();
    expect(events).toEqual([
      { type: "request", urgency: "demand", pages: [6, 5] },
      { type: "answer", urgency: "demand", outcome: "complete", asked: 2, arrived: 2, error: undefined },
    ]);
  });
});
