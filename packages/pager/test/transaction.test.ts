import { pageNo } from "@lacuna/page";
import { laterTurn } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import type { Pager } from "../src/index.ts";
import {
  contents,
  filled,
  localStore,
  overRemote,
  PAGE_SIZE,
  pagerOn,
  REMOTE,
  remoteStore,
  shown,
  write,
} from "./local-replica.ts";

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
