import { LacunaError, pageNo } from "@lacuna/page";
import { laterTurn, type Misbehaviour } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import { pagesNo, setUp } from "./set-up.ts";

const SEGMENT_OF_FOUR = { segmentBytes: 16 * 1024 };
const failure = (error: unknown) => error;

const lies: readonly (readonly [string, Misbehaviour])[] = [
  ["a page nobody asked for", { entries: (entry) => [{ ...entry, page: pageNo(99) }] }],
  ["a page outside the database", { entries: (entry) => [{ ...entry, page: pageNo(12_345) }] }],
  ["a page too short", { entries: ({ page, bytes }) => [{ page, bytes: bytes.subarray(1) }] }],
  ["a page too long", { entries: ({ page }) => [{ page, bytes: new Uint8Array(8192) }] }],
  ["no page at all", { entries: () => [] }],
];

describe("an answer that lies", () => {
  it.each(lies)("is a PROTOCOL error for %s, and the next read tries again", async (_, lie) => {
    const { cache, transport, database, store } = await setUp(SEGMENT_OF_FOUR);
    transport.misbehave(lie);
    await expect(cache.read(pageNo(6))).rejects.toMatchObject({ code: "PROTOCOL", page: 6 });
    expect(store.resident().size).toBe(0);
    expect(await cache.read(pageNo(6))).toEqual(database.page(pageNo(6)));
    expect(transport.requests).toHaveLength(2);
  });

  it("ends the request when it gives a page twice, and what came before counts", async () => {
    const { cache, transport } = await setUp(SEGMENT_OF_FOUR);
    transport.misbehave({ entries: (entry) => [entry, entry] });
    await cache.read(pageNo(6));
    await laterTurn();
    expect(transport.requests[0]?.state).toBe("cancelled");
    expect(cache.stats()).toMatchObject({ failedRequests: 1, fetchedPages: 1, residentPages: 1 });
  });
});

describe("what comes along between pages that were asked for", () => {
  const PAGE_BY_PAGE = { segmentBytes: 4096 };

  it("is kept like the rest of a segment", async () => {
    const { cache, transport, database } = await setUp(PAGE_BY_PAGE);
    const along = { page: pageNo(22), bytes: database.page(pageNo(22)) };
    transport.misbehave({ entries: (entry) => (entry.page === 20 ? [entry, along] : [entry]) });
    await cache.prefetch(pagesNo(20, 25));
    expect(await cache.read(pageNo(22))).toEqual(database.page(pageNo(22)));
    expect(transport.asked).toEqual([[20, 25]]);
    expect(cache.stats()).toMatchObject({ fetchedPages: 3, segment: { fetched: 1, used: 1 } });
  });

  it("is left alone when it is here already", async () => {
    const { cache, transport, database } = await setUp(PAGE_BY_PAGE);
    await cache.read(pageNo(22));
    const along = { page: pageNo(22), bytes: new Uint8Array(4096) };
    transport.misbehave({ entries: (entry) => (entry.page === 20 ? [entry, along] : [entry]) });
    await cache.prefetch(pagesNo(20, 25));
    expect(await cache.read(pageNo(22))).toEqual(database.page(pageNo(22)));
    expect(cache.stats()).toMatchObject({ fetchedPages: 3, failedRequests: 0, segment: { fetched: 0 } });
  });

  it("is left to the request that was sent for it", async () => {
    const { cache, transport, database } = await setUp(PAGE_BY_PAGE);
    transport.hold();
    const along = { page: pageNo(22), bytes: database.page(pageNo(22)) };
    transport.misbehave({ entries: (entry) => (entry.page === 20 ? [entry, along] : [entry]) });
    const ahead = cache.prefetch(pagesNo(20, 25));
    await laterTurn();
    const reading = cache.read(pageNo(22));
    await laterTurn();
    transport.release();
    await ahead;
    expect(await reading).toEqual(database.page(pageNo(22)));
    expect(transport.asked).toEqual([[20, 25], [22]]);
    expect(cache.stats()).toMatchObject({ fetchedPages: 3, failedRequests: 0, segment: { fetched: 0 } });
  });
});

describe("a request that fails", () => {
  it("tells the reader that the page is not resident, and why", async () => {
    const { cache, transport } = await setUp(SEGMENT_OF_FOUR);
    const cause = new LacunaError("TIMEOUT", "no answer within 30000 ms", { url: "https://example.test/db" });
    transport.misbehave({ error: cause });
    const error = await cache.read(pageNo(6)).catch(failure);
    expect(error).toMatchObject({
      code: "TIMEOUT",
      page: 6,
      url: "https://example.test/db",
      message: "page 6: not resident, and fetching it failed: no answer within 30000 ms",
    });
    expect(error).toHaveProperty("cause", cause);
  });

  it("passes on what is no error of ours as it is", async () => {
    const { cache, transport } = await setUp(SEGMENT_OF_FOUR);
    const cause = new TypeError("a fault in a transport");
    transport.misbehave({ error: cause });
    expect(await cache.read(pageNo(6)).catch(failure)).toBe(cause);
  });

  it("keeps the pages that came before, and asks only for the others later", async () => {
    const { cache, transport } = await setUp(SEGMENT_OF_FOUR);
    transport.misbehave({ error: new LacunaError("NETWORK", "broken off"), afterPages: 2 });
    await cache.read(pageNo(6));
    await laterTurn();
    await cache.read(pageNo(8));
    expect(transport.asked).toEqual([
      [6, 5, 7, 8],
      [8, 7],
    ]);
  });

  it("fails a reader that joined its prefetch, and nobody else", async () => {
    const { cache, transport } = await setUp(SEGMENT_OF_FOUR);
    transport.hold();
    transport.misbehave({ error: new LacunaError("NETWORK", "broken off"), afterPages: 1 });
    const prefetching = cache.prefetch(pagesNo(20, 21));
    await laterTurn();
    const reading = cache.read(pageNo(21)).catch(failure);
    await laterTurn();
    transport.release();
    expect(await reading).toMatchObject({ code: "NETWORK", page: 21 });
    await expect(prefetching).resolves.toBeUndefined();
    expect(cache.stats()).toMatchObject({ failedRequests: 1, prefetch: { failed: 1 } });
  });
});
