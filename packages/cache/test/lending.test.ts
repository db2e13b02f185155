import { pageNo } from "@lacuna/page";
import { memoryStore } from "@lacuna/storage/memory";
import { laterTurn } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import { PageMemory } from "../src/page-memory.ts";
import { setUp } from "./set-up.ts";

/** One page in memory, so that every page makes the one before it go. */
const ONE_PAGE = { memoryBytes: 4096, segmentBytes: 4096 };

describe("the memory of a dropped page", () => {
  it("is used again where nobody was handed its array", () => {
    const memory = new PageMemory(1);
    const first = memory.copyOf(new Uint8Array([1]));
    memory.insert(pageNo(1), first, { pinned: false, unread: false, shared: false });
    memory.insert(pageNo(2), new Uint8Array([2]), { pinned: false, unread: false, shared: false });
    expect(memory.copyOf(new Uint8Array([3]))).toBe(first);
    expect(first[0]).toBe(3);
  });

  it("is left alone where somebody was", () => {
    const memory = new PageMemory(1);
    const first = memory.copyOf(new Uint8Array([1]));
    memory.insert(pageNo(1), first, { pinned: false, unread: false, shared: true });
    memory.insert(pageNo(2), new Uint8Array([2]), { pinned: false, unread: false, shared: false });
    expect(memory.copyOf(new Uint8Array([3]))).not.toBe(first);
  });

  it("is used again for pages that come while readers wait for them, and for those that the store reads", async () => {
    const arrays = new Set<Uint8Array>();
    const store = memoryStore();
    const { put, getSync } = store;
    store.put = (entries) => {
      for (const { bytes } of entries) arrays.add(bytes);
      return put.call(store, entries);
    };
    store.getSync = (page, into = new Uint8Array(4096)) => {
      arrays.add(into);
      into.set(getSync?.call(store, page) ?? []);
      return into;
    };
    const { cache, database } = await setUp({ ...ONE_PAGE, store });
    const target = new Uint8Array(4096);
    for (let page = 10; page < 20; page++) {
      await cache.read(pageNo(page));
      await cache.flush();
    }
    for (let page = 10; page < 20; page++) {
      expect(cache.copyTo(pageNo(page), target, 0)).toBe(true);
      expect(target).toEqual(database.page(pageNo(page)));
    }
    expect(arrays.size).toBeLessThan(5);
  });

  it.each(["read", "peek", "read twice at once"])(
    "stays as it was for a reader who got it by %s",
    async (how) => {
      const { cache, database } = await setUp(ONE_PAGE);
      const target = new Uint8Array(4096);
      if (how === "peek") await cache.prefetch([pageNo(6)]);
      const kept =
        how === "peek"
          ? [cache.peek(pageNo(6))]
          : await Promise.all([cache.read(pageNo(6)), ...(how === "read" ? [] : [cache.read(pageNo(6))])]);
      for (let page = 10; page < 20; page++) {
        await cache.prefetch([pageNo(page)]);
        await laterTurn();
        expect(cache.copyTo(pageNo(page), target, 0)).toBe(true);
        expect(target).toEqual(database.page(pageNo(page)));
      }
      for (const bytes of kept) expect(bytes).toEqual(database.page(pageNo(6)));
    },
  );
});

describe("copyTo", () => {
  it("copies to the place asked for, and counts as a read", async () => {
    const { cache, database } = await setUp();
    await cache.prefetch([pageNo(6)]);
    const target = new Uint8Array(3 * 4096);
    expect(cache.copyTo(pageNo(6), target, 4096)).toBe(true);
    expect(target.subarray(4096, 8192)).toEqual(database.page(pageNo(6)));
    expect(target.subarray(8192).some((byte) => byte !== 0)).toBe(false);
    expect(cache.stats()).toMatchObject({ hits: 1, prefetch: { fetched: 1, used: 1 } });
  });

  it("leaves everything as it is for a page that is not here", async () => {
    const { cache } = await setUp();
    const target = new Uint8Array(4096).fill(7);
    expect(cache.copyTo(pageNo(6), target, 0)).toBe(false);
    expect(target.every((byte) => byte === 7)).toBe(true);
    expect(cache.stats()).toMatchObject({ hits: 0, requests: 0 });
  });
});
