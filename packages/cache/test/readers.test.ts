import { pageNo } from "@lacuna/page";
import { memoryStore } from "@lacuna/storage/memory";
import { laterTurn } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import { asyncOnly, pagesNo, setUp } from "./set-up.ts";

const SEGMENT_OF_FOUR = { segmentBytes: 16 * 1024 };

describe("a reader", () => {
  it("has its page before the rest of the segment has arrived", async () => {
    const { cache, transport, database } = await setUp(SEGMENT_OF_FOUR);
    transport.hold();
    const reading = cache.read(pageNo(6));
    await laterTurn();
    transport.deliver(1);
    expect(await reading).toEqual(database.page(pageNo(6)));
    expect(transport.requests[0]).toMatchObject({ delivered: [6], state: "open" });
    transport.release();
    await laterTurn();
    expect(transport.requests[0]).toMatchObject({ delivered: [6, 5, 7, 8], state: "complete" });
  });

  it("joins a page that a prefetch has on the way, and has it when it arrives", async () => {
    const { cache, transport, database } = await setUp(SEGMENT_OF_FOUR);
    transport.hold();
    const prefetching = cache.prefetch(pagesNo(20, 21, 22));
    await laterTurn();
    const reading = cache.read(pageNo(21));
    await laterTurn();
    transport.deliver(2);
    expect(await reading).toEqual(database.page(pageNo(21)));
    expect(transport.asked).toEqual([[20, 21, 22]]);
    transport.release();
    await prefetching;
  });

  it("cancels the request when it gives up and nobody else waits", async () => {
    const { cache, transport, database } = await setUp(SEGMENT_OF_FOUR);
    transport.hold();
    const abort = new AbortController();
    const reading = cache.read(pageNo(6), { signal: abort.signal }).catch(() => "aborted");
    await laterTurn();
    abort.abort();
    expect(await reading).toBe("aborted");
    await laterTurn();
    expect(transport.requests[0]?.state).toBe("cancelled");
    expect(cache.stats()).toMatchObject({ cancelledRequests: 1, failedRequests: 0 });
    transport.release();
    expect(await cache.read(pageNo(6))).toEqual(database.page(pageNo(6)));
    expect(transport.requests).toHaveLength(2);
  });

  it("cancels what is left of the request when the others have their pages already", async () => {
    const { cache, transport } = await setUp(SEGMENT_OF_FOUR);
    transport.hold();
    const abort = new AbortController();
    const served = cache.read(pageNo(6));
    const aborted = cache.read(pageNo(7), { signal: abort.signal }).catch(() => "aborted");
    await laterTurn();
    transport.deliver(1);
    await served;
    abort.abort();
    expect(await aborted).toBe("aborted");
    await laterTurn();
    expect(transport.requests[0]).toMatchObject({ delivered: [6], state: "cancelled" });
  });

  it("leaves the request alone when another page of it is waited for", async () => {
    const { cache, transport, database } = await setUp(SEGMENT_OF_FOUR);
    transport.hold();
    const abort = new AbortController();
    const aborted = cache.read(pageNo(6), { signal: abort.signal }).catch(() => "aborted");
    const other = cache.read(pageNo(50));
    await laterTurn();
    const joined = cache.read(pageNo(7));
    abort.abort();
    expect(await aborted).toBe("aborted");
    transport.release();
    expect(await other).toEqual(database.page(pageNo(50)));
    expect(await joined).toEqual(database.page(pageNo(7)));
    expect(transport.requests).toHaveLength(1);
  });

  it("leaves a prefetch going that it joined and then left", async () => {
    const { cache, transport } = await setUp(SEGMENT_OF_FOUR);
    transport.hold();
    const prefetching = cache.prefetch(pagesNo(20, 21));
    await laterTurn();
    const abort = new AbortController();
    const aborted = cache.read(pageNo(21), { signal: abort.signal }).catch(() => "aborted");
    await laterTurn();
    abort.abort();
    expect(await aborted).toBe("aborted");
    transport.release();
    await prefetching;
    expect(transport.requests[0]?.state).toBe("complete");
  });

  it("keeps a prefetch going that was aborted after it joined", async () => {
    const { cache, transport, database } = await setUp(SEGMENT_OF_FOUR);
    transport.hold();
    const abort = new AbortController();
    const prefetching = cache.prefetch(pagesNo(20, 21), { signal: abort.signal });
    await laterTurn();
    const reading = cache.read(pageNo(21));
    await laterTurn();
    abort.abort();
    await prefetching;
    transport.release();
    expect(await reading).toEqual(database.page(pageNo(21)));
    expect(transport.requests).toHaveLength(1);
  });

  it("keeps the request that it joins in the turn in which the last one gives up", async () => {
    const { cache, transport, database } = await setUp(SEGMENT_OF_FOUR);
    transport.hold();
    const abort = new AbortController();
    const aborted = cache.read(pageNo(6), { signal: abort.signal }).catch(() => "aborted");
    await laterTurn();
    abort.abort();
    const reading = cache.read(pageNo(6));
    expect(await aborted).toBe("aborted");
    transport.release();
    expect(await reading).toEqual(database.page(pageNo(6)));
    expect(transport.requests).toHaveLength(1);
  });
});

describe("closing", () => {
  it("ends reads, prefetches and requests", async () => {
    const { cache, transport } = await setUp(SEGMENT_OF_FOUR);
    transport.hold();
    const sent = cache.read(pageNo(6)).catch((error: unknown) => error);
    const prefetching = cache.prefetch(pagesNo(50));
    await laterTurn();
    const queued = cache.read(pageNo(90)).catch((error: unknown) => error);
    const queuedPrefetch = cache.prefetch(pagesNo(51));
    await cache.close();
    expect(await sent).toMatchObject({ code: "CLOSED", page: 6 });
    expect(await queued).toMatchObject({ code: "CLOSED", page: 90 });
    await Promise.all([prefetching, queuedPrefetch]);
    await laterTurn();
    expect(transport.requests.map((request) => request.state)).toEqual(["cancelled"]);
    expect(cache.peek(pageNo(6))).toBeUndefined();
    await expect(cache.close()).resolves.toBeUndefined();
  });

  it("ends the wait for a store that does not answer", async () => {
    const inner = memoryStore();
    const { cache, database } = await setUp({ store: asyncOnly(inner) });
    await inner.put([{ page: pageNo(6), bytes: database.page(pageNo(6)) }]);
    inner.get = () => new Promise(() => {});
    const reading = cache.read(pageNo(6)).catch((error: unknown) => error);
    await laterTurn();
    await cache.close();
    expect(await reading).toMatchObject({ code: "CLOSED" });
  });
});
