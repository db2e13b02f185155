import { LacunaError, pageNo } from "@lacuna/page";
import { memoryStore } from "@lacuna/storage/memory";
import { laterTurn } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import { type CacheEvent, SegmentCache } from "../src/index.ts";
import { asyncOnly, pagesNo, setUp, stubbornStore } from "./set-up.ts";

describe("an arrived page", () => {
  it("is put into the store in batches of 256 KiB and at the end of a request", async () => {
    const { store, puts } = stubbornStore(memoryStore());
    const { cache } = await setUp({ store, pages: 200 });
    await cache.prefetch(pagesNo(...Array.from({ length: 100 }, (_, index) => index + 1)));
    await cache.close();
    expect(puts.map((pages) => pages.length)).toEqual([64, 36]);
    expect(store.resident().size).toBe(100);
  });

  it("is read before the store has taken it, even without a memory budget", async () => {
    const stubborn = stubbornStore(memoryStore());
    const { cache, transport, database } = await setUp({
      store: stubborn.store,
      memoryBytes: 0,
      segmentBytes: 4096,
    });
    stubborn.holdPuts();
    await cache.read(pageNo(6));
    await laterTurn();
    expect(cache.peek(pageNo(6))).toEqual(database.page(pageNo(6)));
    expect(cache.stats()).toMatchObject({ residentPages: 0, memoryBytes: 4096 });
    await cache.read(pageNo(6));
    expect(transport.requests).toHaveLength(1);
    stubborn.releasePuts();
    await laterTurn();
    expect(cache.stats()).toMatchObject({ residentPages: 1, memoryBytes: 0 });
  });

  it("makes fetching wait while more than 1 MiB waits for the store", async () => {
    const stubborn = stubbornStore(memoryStore());
    const { cache, transport } = await setUp({ store: stubborn.store, pages: 1000 });
    stubborn.holdPuts();
    const prefetching = cache.prefetch(pagesNo(...Array.from({ length: 600 }, (_, index) => index + 1)));
    await laterTurn();
    expect(transport.requests[0]?.delivered).toHaveLength(257);
    stubborn.releasePuts();
    await prefetching;
    expect(transport.requests[0]?.delivered).toHaveLength(600);
    await cache.close();
    expect(stubborn.store.resident().size).toBe(600);
  });

  it("is still read when the store refuses it, and fetched again when memory has dropped it", async () => {
    const events: CacheEvent[] = [];
    const stubborn = stubbornStore(memoryStore());
    const { cache, transport, database } = await setUp({
      store: stubborn.store,
      memoryBytes: 8192,
      segmentBytes: 4096,
      onEvent: (event) => events.push(event),
    });
    const full = new LacunaError("STORAGE_FULL", "no room");
    stubborn.failPuts(full);
    expect(await cache.read(pageNo(1))).toEqual(database.page(pageNo(1)));
    await laterTurn();
    expect(cache.peek(pageNo(1))).toEqual(database.page(pageNo(1)));
    expect(events.at(-1)).toEqual({ type: "store-failed", pages: [1], error: full });
    expect(cache.stats()).toMatchObject({ refusedPages: 1, residentPages: 0 });
    for (const page of pagesNo(2, 3, 4)) await cache.read(page);
    await laterTurn();
    stubborn.failPuts(undefined);
    expect(await cache.read(pageNo(1))).toEqual(database.page(pageNo(1)));
    expect(transport.asked.flat()).toEqual([1, 2, 3, 4, 1]);
    await laterTurn();
    expect(stubborn.store.resident().size).toBe(1);
  });

  it("never replaces a page that is resident", async () => {
    const { cache, transport, store } = await setUp({ segmentBytes: 16 * 1024 });
    transport.hold();
    const reading = cache.read(pageNo(6));
    await laterTurn();
    const other = new Uint8Array(4096).fill(7);
    await store.put([{ page: pageNo(8), bytes: other }]);
    transport.release();
    await reading;
    await laterTurn();
    await cache.close();
    expect(transport.requests[0]?.delivered).toContain(8);
    expect((await store.get([pageNo(8)]))[0]).toEqual(other);
  });

  it("does not keep the buffer it came in", async () => {
    const { cache, transport, database } = await setUp({ segmentBytes: 4096 });
    const answer = new Uint8Array(1024 * 1024);
    transport.misbehave({
      entries: ({ page, bytes }) => {
        const view = answer.subarray(4096, 8192);
        view.set(bytes);
        return [{ page, bytes: view }];
      },
    });
    const bytes = await cache.read(pageNo(6));
    answer.fill(0);
    expect(bytes).toEqual(database.page(pageNo(6)));
    expect(bytes.buffer.byteLength).toBe(4096);
  });
});

describe("a resident page", () => {
  it("is served without a remote, and a page that is not is OFFLINE", async () => {
    const { cache, store, database } = await setUp({ transport: undefined });
    await store.put([{ page: pageNo(6), bytes: database.page(pageNo(6)) }]);
    expect(await cache.read(pageNo(6))).toEqual(database.page(pageNo(6)));
    await expect(cache.read(pageNo(7))).rejects.toMatchObject({ code: "OFFLINE", page: 7 });
    expect(cache.stats().requests).toBe(0);
  });

  it("comes from a store that only reads asynchronously, together with others of the same turn", async () => {
    const inner = memoryStore();
    const { cache, transport, database } = await setUp({ store: asyncOnly(inner) });
    await inner.put(pagesNo(1, 2, 3).map((page) => ({ page, bytes: database.page(page) })));
    const gets: (readonly number[])[] = [];
    const get = inner.get.bind(inner);
    inner.get = (pages) => {
      gets.push([...pages]);
      return get(pages);
    };
    expect(cache.peek(pageNo(1))).toBeUndefined();
    await Promise.all(pagesNo(1, 2, 2, 3).map((page) => cache.read(page)));
    expect(gets).toEqual([[1, 2, 3]]);
    expect(cache.peek(pageNo(2))).toEqual(database.page(pageNo(2)));
    expect(transport.requests).toHaveLength(0);
    expect(cache.stats()).toMatchObject({ storeReads: 4, misses: 0, hits: 1 });
  });

  it("is fetched when the store finds it torn", async () => {
    const inner = memoryStore();
    const { cache, transport, database } = await setUp({ store: asyncOnly(inner), segmentBytes: 4096 });
    await inner.put([{ page: pageNo(1), bytes: database.page(pageNo(1)) }]);
    inner.get = async (pages) => {
      inner.resident().delete(pageNo(1));
      return pages.map(() => undefined);
    };
    expect(await cache.read(pageNo(1))).toEqual(database.page(pageNo(1)));
    expect(transport.asked).toEqual([[1]]);
  });

  it("fails its reader with what the store reports", async () => {
    const inner = memoryStore();
    const { cache, database } = await setUp({ store: asyncOnly(inner) });
    await inner.put([{ page: pageNo(1), bytes: database.page(pageNo(1)) }]);
    const get = inner.get.bind(inner);
    const broken = new LacunaError("STORAGE", "the disk is gone");
    inner.get = () => Promise.reject(broken);
    await expect(cache.read(pageNo(1))).rejects.toBe(broken);
    inner.get = get;
    expect(await cache.read(pageNo(1))).toEqual(database.page(pageNo(1)));
  });
});

describe("abandoning a cache", () => {
  it("fails waiting and later reads with the page, and keeps its pages out of the store", async () => {
    const stubborn = stubbornStore(memoryStore());
    const { cache, transport, store } = await setUp({ store: stubborn.store, segmentBytes: 16 * 1024 });
    await cache.read(pageNo(50));
    await laterTurn();
    transport.hold();
    const waiting = cache.read(pageNo(6)).catch((error: unknown) => error);
    await laterTurn();
    stubborn.puts.length = 0;
    await cache.abandon(new LacunaError("REVISION_CHANGED", "the replica moved to another revision"));
    transport.release();
    await laterTurn();
    expect(await waiting).toMatchObject({ code: "REVISION_CHANGED", page: 6 });
    await expect(cache.read(pageNo(50))).rejects.toMatchObject({ code: "REVISION_CHANGED", page: 50 });
    expect(cache.peek(pageNo(50))).toBeUndefined();
    expect(stubborn.puts).toEqual([]);
    expect(store.resident().has(pageNo(6))).toBe(false);
  });

  it("hands out nothing that the store gives afterwards", async () => {
    const inner = memoryStore();
    const { cache, database } = await setUp({ store: asyncOnly(inner) });
    await inner.put([{ page: pageNo(6), bytes: database.page(pageNo(6)) }]);
    let answer = (): void => {};
    inner.get = (pages) =>
      new Promise((resolve) => {
        answer = () => resolve(pages.map((page) => database.page(page)));
      });
    const reading = cache.read(pageNo(6)).catch((error: unknown) => error);
    await laterTurn();
    await cache.abandon(new LacunaError("REVISION_CHANGED", "moved"));
    answer();
    expect(await reading).toMatchObject({ code: "REVISION_CHANGED" });
    await laterTurn();
    expect(cache.peek(pageNo(6))).toBeUndefined();
  });

  it("resolves only when the store is no longer being written", async () => {
    const stubborn = stubbornStore(memoryStore());
    const { cache } = await setUp({ store: stubborn.store, segmentBytes: 4096 });
    stubborn.holdPuts();
    await cache.read(pageNo(6));
    await laterTurn();
    let over = false;
    const abandoning = cache.abandon(new LacunaError("REVISION_CHANGED", "moved")).then(() => {
      over = true;
    });
    await laterTurn();
    expect(over).toBe(false);
    stubborn.releasePuts();
    await abandoning;
    expect(over).toBe(true);
  });
});

describe("a store of another shape", () => {
  it("is refused", async () => {
    const { transport, database } = await setUp();
    const store = memoryStore();
    const open = () => new SegmentCache({ transport, store, shape: database.shape });
    expect(open).toThrow("a store without a shape");
    await store.reset({ ...database.shape, pageCount: 99 });
    expect(open).toThrow("99 pages");
  });

  it.each([
    ["segmentBytes", 0],
    ["memoryBytes", -1],
    ["maxRequestPages", 0],
    ["segmentBytes", Number.NaN],
  ])("is refused like %s: %d", async (name, value) => {
    await expect(setUp({ [name]: value })).rejects.toMatchObject({ code: "INVALID_OPTION" });
  });
});
