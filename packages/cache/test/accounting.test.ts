import { LacunaError, pageNo } from "@lacuna/page";
import { laterTurn } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import type { CacheEvent } from "../src/index.ts";
import { pagesNo, setUp } from "./set-up.ts";

describe("stats", () => {
  it("counts what was fetched by its cause, and what became of it", async () => {
    const { cache, transport } = await setUp({ segmentBytes: 16 * 1024, pageSize: 4096 });
    await Promise.all([cache.read(pageNo(6)), cache.prefetch(pagesNo(20, 21, 22), { cause: "scan" })]);
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
      segment: { fetched: 3, used: 1, late: 0, unread: 2, cancelled: 0, failed: 0 },
      prefetch: { fetched: 4, used: 1, late: 1, unread: 2, cancelled: 0, failed: 0 },
      causes: {
        scan: { fetched: 3, used: 1, late: 0, unread: 2, cancelled: 0, failed: 0 },
        other: { fetched: 1, used: 0, late: 1, unread: 0, cancelled: 0, failed: 0 },
      },
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
    expect(cache.stats().prefetch).toMatchObject({ fetched: 2, used: 1, late: 0, unread: 1 });
  });

  it("tells pages that were dropped from pages that failed, by cause", async () => {
    const { cache, transport } = await setUp();
    const abort = new AbortController();
    transport.hold();
    const dropped = cache.prefetch(pagesNo(20, 21), { cause: "run-ahead", signal: abort.signal });
    await laterTurn();
    abort.abort();
    await dropped;
    transport.release();
    transport.misbehave({ error: new LacunaError("NETWORK", "gone") });
    await cache.prefetch(pagesNo(30, 31, 32), { cause: "history" });
    const { causes, prefetch } = cache.stats();
    expect(causes["run-ahead"]).toMatchObject({ fetched: 0, cancelled: 2, failed: 0 });
    expect(causes.history).toMatchObject({ fetched: 0, cancelled: 0, failed: 3 });
    expect(prefetch).toMatchObject({ fetched: 0, cancelled: 2, failed: 3 });
  });

  it("counts a glance as nobody's reading", async () => {
    const { cache, database } = await setUp({ segmentBytes: 1, memoryBytes: 4096 });
    await cache.prefetch(pagesNo(20, 21));
    await laterTurn();
    const before = cache.stats();
    for (const page of pagesNo(20, 21)) expect(cache.glance(page)).toEqual(database.page(page));
    expect(cache.glance(pageNo(22))).toBeUndefined();
    expect([20, 22].map((page) => cache.holds(pageNo(page)))).toEqual([true, false]);
    expect(cache.stats()).toEqual(before);
    cache.peek(pageNo(20));
    expect(cache.stats().prefetch).toMatchObject({ used: 1, unread: 1 });
  });
});

describe("pages that came in another way", () => {
  it("are kept, counted by their cause, and end the waits of readers", async () => {
    const { cache, transport, store, database } = await setUp({ segmentBytes: 1 });
    transport.hold();
    const reading = cache.read(pageNo(7));
    await laterTurn();
    const entries = pagesNo(6, 7).map((page) => ({ page, bytes: database.page(page) }));
    expect(cache.accept(entries, "hydrate")).toBeUndefined();
    expect(await reading).toEqual(database.page(pageNo(7)));
    await cache.flush();
    expect([...store.resident()]).toEqual([6, 7]);
    expect(cache.stats().causes.hydrate).toMatchObject({ fetched: 2, late: 1, unread: 1 });
    transport.release();
    await laterTurn();
    expect(cache.peek(pageNo(6))).toEqual(database.page(pageNo(6)));
  });

  it("leave alone what is here, and are refused when they cannot be of the database", async () => {
    const { cache, database } = await setUp({ segmentBytes: 1 });
    await cache.read(pageNo(6));
    cache.accept([{ page: pageNo(6), bytes: new Uint8Array(4096) }], "hydrate");
    expect(cache.peek(pageNo(6))).toEqual(database.page(pageNo(6)));
    expect(cache.stats().causes).toEqual({});
    expect(() => cache.accept([{ page: pageNo(7), bytes: new Uint8Array(8) }], "hydrate")).toThrow(
      RangeError,
    );
    expect(() => cache.accept([{ page: pageNo(101), bytes: new Uint8Array(4096) }], "hydrate")).toThrow(
      RangeError,
    );
  });

  it("are dropped once the cache is over", async () => {
    const { cache, store, database } = await setUp({ segmentBytes: 1 });
    await cache.abandon(new LacunaError("REVISION_CHANGED", "moved"));
    cache.accept([{ page: pageNo(6), bytes: database.page(pageNo(6)) }], "hydrate");
    await cache.flush();
    expect(store.resident().size).toBe(0);
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
  it("tell of each request, of its pages as they come, and how it ended", async () => {
    const events: CacheEvent[] = [];
    const { cache } = await setUp({ segmentBytes: 8192, onEvent: (event) => events.push(event) });
    await cache.read(pageNo(6));
    await laterTurn();
    expect(events).toEqual([
      { type: "request", request: 1, urgency: "demand", pages: [6, 5], causes: ["demand", "segment"] },
      { type: "page", page: 6, cause: "demand", awaited: true },
      { type: "page", page: 5, cause: "segment", awaited: false },
      {
        type: "answer",
        request: 1,
        urgency: "demand",
        outcome: "complete",
        asked: 2,
        arrived: 2,
        error: undefined,
      },
    ]);
  });

  it("tell once when a page that came ahead is read", async () => {
    const events: CacheEvent[] = [];
    const { cache } = await setUp({ segmentBytes: 4096, onEvent: (event) => events.push(event) });
    await cache.prefetch([pageNo(3)], { cause: "scan" });
    expect(events.at(-2)).toEqual({ type: "page", page: 3, cause: "scan", awaited: false });
    events.length = 0;
    await cache.read(pageNo(3));
    await cache.read(pageNo(3));
    expect(events).toEqual([{ type: "used", page: 3, cause: "scan" }]);
  });
});
