import { pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import {
  contents,
  filled,
  localStore,
  PAGE_SIZE,
  pagerOn,
  pending,
  REMOTE,
  remoteStore,
  shown,
  write,
} from "./local-replica.ts";

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
