import { LacunaError, pageNo, revision } from "@lacuna/page";
import { memoryStore } from "@lacuna/storage/memory";
import { laterTurn, ManualTimers, type StoreOperation, withFaults } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import type { OpenPagerOptions, Pager } from "../src/index.ts";
import {
  contents,
  filled,
  localStore,
  PAGE_SIZE,
  pagerOn,
  pending,
  remoteStore,
  shown,
  write,
} from "./local-replica.ts";

const REMOTE = { revision: revision("r1"), pageSize: PAGE_SIZE, pageCount: 5 };
const overRemote = async () => pagerOn(await remoteStore(REMOTE));

describe("a transaction", () => {
  it("makes a new database page by page", async () => {
    const pager = await pagerOn(await localStore());
    expect(await shown(pager)).toEqual([]);
    await write(pager, { 1: 10, 2: 20 });
    expect(await shown(pager)).toEqual([10, 20]);
    await pager.close();
  });

  it("shows what was written in it, and nobody else sees it", async () => {
    const pager = await overRemote();
    const transaction = await pager.begin();
    transaction.write(pageNo(3), new Uint8Array(PAGE_SIZE).fill(33));
    expect(await contents(transaction)).toEqual([1, 2, 33, 4, 5]);
    const into = new Uint8Array(PAGE_SIZE + 3);
    expect(transaction.copyTo?.(pageNo(3), into, 3)).toBe(true);
    expect(into.subarray(3)).toEqual(filled(3, 33));
    expect(await shown(pager)).toEqual([1, 2, 3, 4, 5]);
    transaction.rollback();
    expect(await shown(pager)).toEqual([1, 2, 3, 4, 5]);
    await pager.close();
  });

  it("keeps its own copy of the bytes it is given", async () => {
    const pager = await overRemote();
    const transaction = await pager.begin();
    const mine = new Uint8Array(PAGE_SIZE).fill(7);
    transaction.write(pageNo(2), mine);
    mine.fill(9);
    const change = new Uint8Array([1, 2, 3]);
    const committing = transaction.commit(change);
    change.fill(0);
    await committing;
    expect(await shown(pager)).toEqual([1, 7, 3, 4, 5]);
    expect((await pager.pendingChanges())[0]?.bytes).toEqual(new Uint8Array([1, 2, 3]));
    await pager.close();
  });

  it("makes a version with every commit, and none where nothing was written", async () => {
    const pager = await overRemote();
    const before = await pager.snapshot();
    const first = await write(pager, { 2: 20 });
    const second = await write(pager, { 2: 21 });
    expect(first).toBeGreaterThan(before.version);
    expect(second).toBeGreaterThan(first);
    expect((await pager.snapshot()).version).toBe(second);
    expect(await write(pager, {})).toBe(second);
    expect((await pager.begin()).version).toBe(second);
    await pager.close();
  });

  it("leaves snapshots of before alone, whatever is committed, cut off and compacted", async () => {
    const pager = await overRemote();
    const seen: { snapshot: Awaited<ReturnType<Pager["snapshot"]>>; values: number[] }[] = [];
    const look = async () => {
      const snapshot = await pager.snapshot();
      seen.push({ snapshot, values: await contents(snapshot) });
    };
    await look();
    await write(pager, { 2: 20, 6: 60 });
    await look();
    await write(pager, { 2: 22, 3: 30 });
    await look();
    await write(pager, {}, { pageCount: 2 });
    await look();
    await pager.checkpoint();
    await write(pager, { 2: 23, 4: 40 });
    await look();
    await pager.checkpoint();
    await write(pager, { 2: 24 });
    expect(seen.map(({ values }) => values)).toEqual([
      [1, 2, 3, 4, 5],
      [1, 20, 3, 4, 5, 60],
      [1, 22, 30, 4, 5, 60],
      [1, 22],
      [1, 23, 0, 40],
    ]);
    for (const { snapshot, values } of seen) expect(await contents(snapshot)).toEqual(values);
    expect(await shown(pager)).toEqual([1, 24, 0, 40]);
    await pager.close();
  });

  it("waits for its turn, in the order asked, and one that gives up is left out", async () => {
    const pager = await overRemote();
    const order: string[] = [];
    const first = await pager.begin();
    const abort = new AbortController();
    const second = pager.begin().then((transaction) => {
      order.push("second");
      return transaction;
    });
    const given = pager.begin({ signal: abort.signal }).catch((error: unknown) => error);
    const third = pager.begin().then((transaction) => {
      order.push("third");
      return transaction;
    });
    await laterTurn();
    expect(order).toEqual([]);
    const reason = new Error("no longer wanted");
    abort.abort(reason);
    expect(await given).toBe(reason);
    first.rollback();
    const transaction = await second;
    await laterTurn();
    expect(order).toEqual(["second"]);
    transaction.release();
    (await third).release();
    expect(order).toEqual(["second", "third"]);
    await pager.close();
  });

  it("takes nothing once it is over", async () => {
    const pager = await overRemote();
    const transaction = await pager.begin();
    transaction.write(pageNo(2), filled(2, 20));
    await transaction.commit();
    transaction.rollback();
    transaction.release();
    const closed = expect.objectContaining({ code: "CLOSED" });
    expect(() => transaction.write(pageNo(2), filled(2, 21))).toThrow(closed);
    expect(() => transaction.truncate(1)).toThrow(closed);
    await expect(transaction.commit()).rejects.toMatchObject({ code: "CLOSED" });
    await expect(transaction.read(pageNo(2))).rejects.toMatchObject({ code: "CLOSED" });
    expect(await shown(pager)).toEqual([1, 20, 3, 4, 5]);
    await pager.close();
  });

  it("refuses what is no page of a database", async () => {
    const pager = await overRemote();
    const transaction = await pager.begin();
    expect(() => transaction.write(0 as never, filled(2, 1))).toThrow(RangeError);
    expect(() => transaction.write(pageNo(2), new Uint8Array(PAGE_SIZE - 1))).toThrow(RangeError);
    expect(() => transaction.truncate(-1)).toThrow(RangeError);
    expect(() => transaction.truncate(1.5)).toThrow(RangeError);
    await expect(transaction.read(pageNo(6))).rejects.toThrow(RangeError);
    transaction.rollback();
    await pager.close();
  });

  it("grows by pages of zeros, which cover what was cut off before", async () => {
    const pager = await overRemote();
    const transaction = await pager.begin();
    transaction.truncate(2);
    transaction.write(pageNo(4), new Uint8Array(PAGE_SIZE).fill(44));
    transaction.truncate(7);
    expect(await contents(transaction)).toEqual([1, 2, 0, 44, 0, 0, 0]);
    await transaction.commit();
    expect(await shown(pager)).toEqual([1, 2, 0, 44, 0, 0, 0]);
    await pager.close();
  });

  it("is rolled back by close, and whoever waits gets CLOSED", async () => {
    const store = await remoteStore(REMOTE);
    const pager = await pagerOn(store);
    const transaction = await pager.begin();
    transaction.write(pageNo(2), filled(2, 20));
    const waiting = pager.begin().catch((error: unknown) => error);
    await pager.close();
    expect(await waiting).toMatchObject({ code: "CLOSED" });
    await expect(transaction.commit()).rejects.toMatchObject({ code: "CLOSED" });
    await expect(pager.begin()).rejects.toMatchObject({ code: "CLOSED" });
    const again = await pagerOn(store);
    expect(await shown(again)).toEqual([1, 2, 3, 4, 5]);
    await again.close();
  });
});

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

describe("a checkpoint", () => {
  it("keeps the newest bytes of each page once", async () => {
    const store = await remoteStore(REMOTE);
    const pager = await pagerOn(store);
    for (let fill = 0; fill < 20; fill++) await write(pager, { 2: fill, 3: fill }, { change: `${fill}` });
    await pager.settleChanges([1, 2, 3, 4]);
    const before = pager.stats().walBytes;
    await pager.checkpoint();
    expect(pager.stats().walBytes).toBe(32 + 3 * (24 + PAGE_SIZE));
    expect(pager.stats().walBytes).toBeLessThan(before);
    expect(await shown(pager)).toEqual([1, 19, 19, 4, 5]);
    expect(await pending(pager)).toHaveLength(16);
    await pager.checkpoint();
    expect(pager.stats().checkpoints).toBe(1);
    await write(pager, { 4: 44 });
    await pager.close();
    const again = await pagerOn(store);
    expect(await shown(again)).toEqual([1, 19, 19, 44, 5]);
    expect(await pending(again)).toHaveLength(16);
    await again.close();
  });

  it("does not keep readers waiting", async () => {
    const pager = await pagerOn(await remoteStore(REMOTE));
    for (let fill = 0; fill < 20; fill++) await write(pager, { 2: fill, 3: fill });
    const early = await pager.snapshot();
    let done = false;
    const checkpoint = pager.checkpoint().then(() => {
      done = true;
    });
    let looked = 0;
    while (!done) {
      const snapshot = pager.snapshot();
      if (snapshot instanceof Promise) throw new Error("expected a snapshot at once, found a promise");
      expect(await contents(snapshot)).toEqual([1, 19, 19, 4, 5]);
      expect(await contents(early)).toEqual([1, 19, 19, 4, 5]);
      snapshot.release();
      looked++;
      await Promise.resolve();
    }
    await checkpoint;
    expect(looked).toBeGreaterThan(5);
    await pager.close();
  });

  it("leaves the pages of the remote as they are", async () => {
    const store = await remoteStore(REMOTE);
    const pager = await pagerOn(store);
    await write(pager, { 2: 20 });
    await write(pager, { 2: 21, 6: 60 });
    await pager.checkpoint();
    expect((await store.get([pageNo(2)]))[0]).toEqual(filled(2, 2));
    expect(store.shape()).toEqual(REMOTE);
    await pager.close();
  });

  it("moves the pages of a database without a remote to the database file", async () => {
    const store = await localStore();
    const pager = await pagerOn(store);
    await write(pager, { 1: 10, 2: 20, 3: 30 });
    await write(pager, { 2: 21 }, { change: "kept", pageCount: 2 });
    const early = await pager.snapshot();
    await pager.checkpoint();
    expect(pager.stats()).toMatchObject({ walBytes: 0, overlayPages: 0 });
    expect(store.shape()?.pageCount).toBe(2);
    expect((await store.get([pageNo(2)]))[0]).toEqual(filled(2, 21));
    expect(await contents(early)).toEqual([10, 21]);
    await write(pager, { 2: 22 });
    expect(await contents(early)).toEqual([10, 21]);
    await pager.close();
    const again = await pagerOn(store);
    expect(await shown(again)).toEqual([10, 22]);
    expect(await pending(again)).toEqual(["1:kept"]);
    await again.close();
  });

  it("comes by itself when most of a long log is out of date", async () => {
    const pager = await pagerOn(await remoteStore(REMOTE), { checkpointBytes: 10_000 });
    for (let fill = 0; fill < 100; fill++) await write(pager, { 2: fill });
    expect(pager.stats().walBytes).toBeLessThan(11_000);
    expect(pager.stats().checkpoints).toBeGreaterThan(3);
    expect(await shown(pager)).toEqual([1, 99, 3, 4, 5]);
    await pager.close();
  });
});
