import { LacunaError, pageNo } from "@lacuna/page";
import { memoryStore } from "@lacuna/storage/memory";
import { laterTurn, ManualTimers, type StoreOperation, withFaults } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import type { OpenPagerOptions } from "../src/index.ts";
import {
  filled,
  localStore,
  overRemote,
  PAGE_SIZE,
  pagerOn,
  pending,
  REMOTE,
  remoteStore,
  shown,
  write,
} from "./local-replica.ts";

describe("a committed state", () => {
  it("is there when the replica is opened again, with the changes that are pending", async () => {
    const store = await remoteStore(REMOTE);
    const before = await pagerOn(store);
    await write(before, { 2: 20, 7: 70 }, { change: "one" });
    await write(before, { 3: 30 });
    await write(before, { 2: 22 }, { change: "two", pageCount: 6 });
    await before.close();
    const after = await pagerOn(store);
    expect(await shown(after)).toEqual([1, 22, 30, 4, 5, 0]);
    expect(await pending(after)).toEqual(["1:one", "2:two"]);
    await write(after, { 5: 50 }, { change: "three" });
    await after.close();
    const last = await pagerOn(store);
    expect(await shown(last)).toEqual([1, 22, 30, 4, 50, 0]);
    expect(await pending(last)).toEqual(["1:one", "2:two", "3:three"]);
    await last.close();
  });

  it("takes no more memory than allowed: pages are read back from the log", async () => {
    for (const synchronous of [true, false]) {
      const store = await remoteStore(REMOTE);
      const openFile = store.openFile.bind(store);
      let reads = 0;
      store.openFile = async (name) => {
        const file = await openFile(name);
        return new Proxy(file, {
          get(target, member) {
            if (member === "readSync" && !synchronous) return undefined;
            if (member === "read" || member === "readSync") reads++;
            const value: unknown = Reflect.get(target, member);
            return typeof value === "function" ? value.bind(target) : value;
          },
        });
      };
      const pager = await pagerOn(store, { memoryBytes: 2 * PAGE_SIZE });
      await write(pager, { 1: 11, 2: 12, 3: 13, 4: 14, 5: 15 });
      reads = 0;
      expect(await shown(pager)).toEqual([11, 12, 13, 14, 15]);
      expect(reads).toBeGreaterThanOrEqual(3);
      await pager.close();
    }
  });
});

describe("changes", () => {
  it("have ids that ascend and are never used again", async () => {
    const store = await remoteStore(REMOTE);
    let pager = await pagerOn(store);
    await write(pager, { 2: 20 }, { change: "one" });
    await write(pager, { 2: 21 }, { change: "two" });
    await pager.settleChanges([1, 2]);
    expect(await pending(pager)).toEqual([]);
    expect(pager.pendingCount).toBe(0);
    await pager.close();
    pager = await pagerOn(store);
    await write(pager, { 2: 22 }, { change: "three" });
    expect(await pending(pager)).toEqual(["3:three"]);
    await pager.checkpoint();
    await pager.settleChanges([3]);
    await pager.close();
    pager = await pagerOn(store);
    await write(pager, { 2: 23 }, { change: "four" });
    expect(await pending(pager)).toEqual(["4:four"]);
    await pager.close();
  });

  it("are settled in any order, and settling one twice or one unknown does nothing", async () => {
    const pager = await overRemote();
    for (const change of ["one", "two", "three"]) await write(pager, { 2: 20 }, { change });
    expect([pager.pendingCount, pager.pendingBytes]).toEqual([3, 11]);
    await pager.settleChanges([2, 2, 99]);
    await pager.settleChanges([2]);
    expect(await pending(pager)).toEqual(["1:one", "3:three"]);
    expect([pager.pendingCount, pager.pendingBytes]).toEqual([2, 8]);
    await pager.close();
  });

  it("may come without a page", async () => {
    const pager = await overRemote();
    await write(pager, {}, { change: "only words" });
    expect(await pending(pager)).toEqual(["1:only words"]);
    expect(await shown(pager)).toEqual([1, 2, 3, 4, 5]);
    await pager.close();
  });

  it("may be large", async () => {
    const store = await remoteStore(REMOTE);
    const bytes = Uint8Array.from({ length: 300_001 }, (_, i) => i * 7);
    const pager = await pagerOn(store);
    const transaction = await pager.begin();
    transaction.write(pageNo(2), filled(2, 20));
    await transaction.commit(bytes);
    await pager.close();
    const again = await pagerOn(store);
    expect((await again.pendingChanges())[0]?.bytes).toEqual(bytes);
    await again.close();
  });

  it("leave a short log when they are settled", async () => {
    const store = memoryStore();
    const pager = await pagerOn(await remoteStore(REMOTE, store));
    for (let round = 0; round < 8; round++) {
      const transaction = await pager.begin();
      transaction.write(pageNo(2), filled(2, round));
      await transaction.commit(new Uint8Array(100_000).fill(round));
      if (round !== 3) await pager.settleChanges([round + 1]);
    }
    expect((await pager.pendingChanges()).map(({ id, bytes }) => [id, bytes[0]])).toEqual([[4, 3]]);
    await pager.close();
    const changes = await store.openFile("changes");
    expect(await changes.size()).toBeLessThan(500_000);
    await changes.close();
    const again = await pagerOn(store);
    expect((await again.pendingChanges()).map(({ id }) => id)).toEqual([4]);
    await again.close();
  });
});

describe("relaxed durability", () => {
  it("makes commits durable together after a while", async () => {
    const timers = new ManualTimers();
    const store = await remoteStore(REMOTE);
    const pager = await pagerOn(store, { durability: "relaxed", flushDelayMs: 50, timers });
    await write(pager, { 2: 20 }, { change: "one" });
    await write(pager, { 3: 30 }, { change: "two" });
    expect(await shown(pager)).toEqual([1, 20, 30, 4, 5]);
    expect(pager.stats()).toMatchObject({ flushes: 0, walBytes: 0, pendingChanges: 2 });
    expect(pager.stats().queuedBytes).toBeGreaterThan(0);
    timers.advance(50);
    await laterTurn();
    expect(pager.stats()).toMatchObject({ flushes: 1, queuedBytes: 0, pendingChanges: 2 });
    expect(pager.stats().walBytes).toBeGreaterThan(0);
    await pager.close();
  });

  it("makes them durable on flush, on close, and for whoever reads the changes", async () => {
    const timers = new ManualTimers();
    const store = await remoteStore(REMOTE);
    const pager = await pagerOn(store, { durability: "relaxed", timers });
    await write(pager, { 2: 20 }, { change: "one" });
    expect(await pending(pager)).toEqual(["1:one"]);
    expect(pager.stats().flushes).toBe(1);
    await write(pager, { 2: 21 });
    await pager.flush();
    expect(pager.stats().flushes).toBe(2);
    await write(pager, { 2: 22 }, { change: "two" });
    await pager.close();
    expect(timers.pending).toBe(0);
    const again = await pagerOn(store);
    expect(await shown(again)).toEqual([1, 22, 3, 4, 5]);
    expect(await pending(again)).toEqual(["1:one", "2:two"]);
    await again.close();
  });
});

describe("files that fail", () => {
  /** A pager over a store whose files fail while `broken` says so. */
  async function fragile(options: Partial<OpenPagerOptions> = {}) {
    const state = { broken: undefined as StoreOperation["kind"] | undefined };
    const store = withFaults(await remoteStore(REMOTE), ({ kind, file }) => {
      if (kind === state.broken && file !== undefined)
        throw new LacunaError("STORAGE_FULL", "no room is left");
    });
    return { state, store, pager: await pagerOn(store, options) };
  }

  it("end a durable commit as if it had never been, and the next one finds its way", async () => {
    for (const broken of ["write", "sync"] as const) {
      const { state, store, pager } = await fragile();
      await write(pager, { 2: 20 }, { change: "one" });
      state.broken = broken;
      await expect(write(pager, { 3: 30 }, { change: "two" })).rejects.toMatchObject({
        code: "STORAGE_FULL",
      });
      expect(await shown(pager)).toEqual([1, 20, 3, 4, 5]);
      expect(pager.pendingCount).toBe(1);
      state.broken = undefined;
      expect(await pending(pager)).toEqual(["1:one"]);
      await write(pager, { 4: 40 }, { change: "three" });
      await pager.close();
      const again = await pagerOn(store);
      expect(await shown(again)).toEqual([1, 20, 3, 40, 5]);
      expect((await pending(again)).map((change) => change.slice(2))).toEqual(["one", "three"]);
      await again.close();
    }
  });

  it("keep relaxed commits in memory, fail the next one, and take them when they work again", async () => {
    const timers = new ManualTimers();
    const { state, store, pager } = await fragile({ durability: "relaxed", timers, flushDelayMs: 10 });
    state.broken = "sync";
    await write(pager, { 2: 20 }, { change: "one" });
    timers.advance(10);
    await laterTurn();
    await expect(write(pager, { 3: 30 }, { change: "two" })).rejects.toMatchObject({ code: "STORAGE_FULL" });
    expect(await shown(pager)).toEqual([1, 20, 3, 4, 5]);
    state.broken = undefined;
    await write(pager, { 4: 40 }, { change: "three" });
    expect(await shown(pager)).toEqual([1, 20, 3, 40, 5]);
    await pager.close();
    const again = await pagerOn(store);
    expect(await shown(again)).toEqual([1, 20, 3, 40, 5]);
    expect((await pending(again)).map((change) => change.slice(2))).toEqual(["one", "three"]);
    await again.close();
  });

  it("are told by close when relaxed commits are lost, and everything is closed", async () => {
    const { state, store, pager } = await fragile({ durability: "relaxed", timers: new ManualTimers() });
    await write(pager, { 2: 20 }, { change: "one" });
    state.broken = "write";
    await expect(pager.close()).rejects.toMatchObject({ code: "STORAGE_FULL" });
    state.broken = undefined;
    const again = await pagerOn(store);
    expect(await shown(again)).toEqual([1, 2, 3, 4, 5]);
    expect(await pending(again)).toEqual([]);
    await again.close();
  });

  it("make relaxed commits wait when too much is in memory", async () => {
    const pager = await pagerOn(await localStore(), { durability: "relaxed", timers: new ManualTimers() });
    const size = 8000;
    for (let round = 0; round < 6; round++) {
      const transaction = await pager.begin();
      for (let page = 1; page <= size; page++) transaction.write(pageNo(page), new Uint8Array(PAGE_SIZE));
      await transaction.commit();
      // 8 MiB, and the transaction that came last.
      expect(pager.stats().queuedBytes).toBeLessThan(2 ** 23 + size * (PAGE_SIZE + 24));
    }
    expect(pager.stats().flushes).toBeGreaterThan(2);
    await pager.close();
  });
});
