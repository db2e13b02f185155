import { type PageEntry, PageSet, pageNo, revision } from "@lacuna/page";
import { patternDatabase, RecordingTransport } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import type { Pager, WriteSource } from "../src/index.ts";
import {
  cacheBase,
  contents,
  filled,
  localStore,
  PAGE_SIZE,
  pagerOn,
  pages,
  pending,
  remoteStore,
  shown,
  write,
} from "./local-replica.ts";

const FIRST = { revision: revision("r1"), pageSize: PAGE_SIZE, pageCount: 5 };
const SECOND = { revision: revision("r2"), pageSize: PAGE_SIZE, pageCount: 6 };

const entries = (values: Readonly<Record<number, number>>): PageEntry[] =>
  Object.entries(values).map(([page, fill]) => ({
    page: pageNo(Number(page)),
    bytes: filled(Number(page), fill),
  }));

/** From FIRST to SECOND: pages 2 and 6 are new there. */
const step = {
  shape: SECOND,
  keep: new PageSet(pages(1, 3, 4, 5)),
  pages: [entries({ 2: 102 }), entries({ 6: 106 })],
  settled: [],
};

async function changed(): Promise<{ store: Awaited<ReturnType<typeof remoteStore>>; pager: Pager }> {
  const store = await remoteStore(FIRST);
  const pager = await pagerOn(store);
  await write(pager, { 3: 30, 7: 70 }, { change: "one" });
  await write(pager, { 4: 40 }, { change: "two" });
  return { store, pager };
}

describe("a rebase", () => {
  it("shows the new revision, with what was replayed over it", async () => {
    const { store, pager } = await changed();
    let before: number[] = [];
    await pager.rebase({
      ...step,
      settled: [1],
      replay: async (over) => {
        const snapshot = await over.snapshot();
        before = await contents(snapshot);
        expect(snapshot.revision).toBe("r2");
        snapshot.release();
        await write(over, { 4: 44 });
        await write(over, { 4: 45, 7: 77 }, { change: "again" });
      },
    });
    expect(before).toEqual([1, 102, 3, 4, 5, 106]);
    expect(await shown(pager)).toEqual([1, 102, 3, 45, 5, 106, 77]);
    expect(await pending(pager)).toEqual(["2:two", "3:again"]);
    expect(store.shape()).toEqual(SECOND);
    await write(pager, { 1: 11 }, { change: "later" });
    await pager.close();
    const again = await pagerOn(store);
    expect(await shown(again)).toEqual([11, 102, 3, 45, 5, 106, 77]);
    expect(await pending(again)).toEqual(["2:two", "3:again", "4:later"]);
    await again.close();
  });

  it("leaves no local page where nothing is replayed", async () => {
    const { store, pager } = await changed();
    await pager.rebase({ ...step, settled: [1, 2] });
    expect(await shown(pager)).toEqual([1, 102, 3, 4, 5, 106]);
    expect(pager.stats()).toMatchObject({ overlayPages: 0, walBytes: 0, rebases: 1, pendingChanges: 0 });
    await pager.close();
    const again = await pagerOn(store);
    expect(await shown(again)).toEqual([1, 102, 3, 4, 5, 106]);
    await again.close();
  });

  it("is nothing at all if the replay fails", async () => {
    const { store, pager } = await changed();
    const before = await pager.snapshot();
    const reason = new Error("a conflict");
    const replay = async (over: WriteSource) => {
      await write(over, { 4: 44 }, { change: "never" });
      throw reason;
    };
    await expect(pager.rebase({ ...step, settled: [1], replay })).rejects.toBe(reason);
    expect(await shown(pager)).toEqual([1, 2, 30, 40, 5, 0, 70]);
    expect((await pager.snapshot()).version).toBe(before.version);
    expect(await pending(pager)).toEqual(["1:one", "2:two"]);
    await write(pager, { 2: 20 });
    await pager.close();
    const again = await pagerOn(store);
    expect(await shown(again)).toEqual([1, 20, 30, 40, 5, 0, 70]);
    await again.close();
  });

  it("is nothing at all if its pages fail, or are none of the revision", async () => {
    const { pager } = await changed();
    const reason = new Error("the connection broke");
    const broken = async function* () {
      yield entries({ 2: 102 });
      throw reason;
    };
    await expect(pager.rebase({ ...step, pages: broken() })).rejects.toBe(reason);
    await expect(pager.rebase({ ...step, pages: [entries({ 7: 1 })] })).rejects.toThrow(RangeError);
    const short = [{ page: pageNo(2), bytes: new Uint8Array(3) }];
    await expect(pager.rebase({ ...step, pages: [short] })).rejects.toMatchObject({ code: "SHORT_READ" });
    expect(await shown(pager)).toEqual([1, 2, 30, 40, 5, 0, 70]);
    await pager.rebase(step);
    expect(await shown(pager)).toEqual([1, 102, 3, 4, 5, 106]);
    await pager.close();
  });

  it("is nothing at all if it is aborted before it is durable", async () => {
    const { pager } = await changed();
    const abort = new AbortController();
    const reason = new Error("no longer wanted");
    const replay = async () => abort.abort(reason);
    await expect(pager.rebase({ ...step, replay }, { signal: abort.signal })).rejects.toBe(reason);
    expect(await shown(pager)).toEqual([1, 2, 30, 40, 5, 0, 70]);
    await pager.close();
  });

  it("lets snapshots of before show what was there", async () => {
    const { pager } = await changed();
    const early = await pager.snapshot();
    await pager.rebase({
      ...step,
      settled: [1, 2],
      replay: async (over) => void (await write(over, { 1: 7 })),
    });
    const middle = await pager.snapshot();
    await pager.rebase({
      shape: { ...FIRST, revision: revision("r3"), pageCount: 3 },
      keep: new PageSet(),
      pages: [entries({ 1: 201, 2: 202, 3: 203 })],
      settled: [],
    });
    await write(pager, { 2: 9 });
    expect(await contents(early)).toEqual([1, 2, 30, 40, 5, 0, 70]);
    expect(await contents(middle)).toEqual([7, 102, 3, 4, 5, 106]);
    expect(await shown(pager)).toEqual([201, 9, 203]);
    expect([early.revision, middle.revision]).toEqual(["r1", "r2"]);
    await pager.close();
  });

  it("is not disturbed by changes that are settled meanwhile, however many", async () => {
    const { store, pager } = await changed();
    for (let round = 0; round < 4; round++) {
      const transaction = await pager.begin();
      transaction.write(pageNo(2), filled(2, round));
      await transaction.commit(new Uint8Array(200_000));
    }
    const replay = async (over: WriteSource): Promise<void> => {
      await write(over, { 3: 33 });
      await pager.settleChanges([3, 4, 5, 6]);
      await write(over, { 4: 44 });
    };
    await pager.rebase({ ...step, settled: [1], replay });
    expect(await shown(pager)).toEqual([1, 102, 33, 44, 5, 106]);
    expect(await pending(pager)).toEqual(["2:two"]);
    await pager.close();
    const again = await pagerOn(store);
    expect(await shown(again)).toEqual([1, 102, 33, 44, 5, 106]);
    expect(await pending(again)).toEqual(["2:two"]);
    await again.close();
  });

  it("makes writers wait, and they write over the new revision", async () => {
    const { pager } = await changed();
    const replay = async (over: WriteSource): Promise<void> => {
      waiting = write(pager, { 1: 11 });
      await write(over, { 3: 33 });
    };
    let waiting: Promise<number> | undefined;
    await pager.rebase({ ...step, replay });
    await waiting;
    expect(await shown(pager)).toEqual([11, 102, 33, 4, 5, 106]);
    await pager.close();
  });

  it("may come with another page size if nothing is kept", async () => {
    const { store, pager } = await changed();
    const shape = { revision: revision("big"), pageSize: 1024, pageCount: 2 };
    const large = (page: number) => ({ page: pageNo(page), bytes: filled(page, page + 100, 1024) });
    const early = await pager.snapshot();
    await pager.rebase({ shape, keep: new PageSet(), pages: [[large(1), large(2)]], settled: [1, 2] });
    const snapshot = await pager.snapshot();
    expect(snapshot).toMatchObject(shape);
    expect(await snapshot.read(pageNo(2))).toEqual(filled(2, 102, 1024));
    expect(await contents(early)).toEqual([1, 2, 30, 40, 5, 0, 70]);
    await pager.close();
    const again = await pagerOn(store);
    expect(await (await again.snapshot()).read(pageNo(1))).toEqual(filled(1, 101, 1024));
    await again.close();
  });

  it("takes the first pages of a remote for a database that had none", async () => {
    const store = await localStore();
    const pager = await pagerOn(store);
    await write(pager, { 1: 10, 2: 20 }, { change: "one" });
    await pager.checkpoint();
    await pager.rebase({
      shape: FIRST,
      keep: new PageSet(),
      pages: [entries({ 1: 1, 2: 2, 3: 3, 4: 4, 5: 5 })],
      settled: [],
      replay: async (over) => void (await write(over, { 6: 60 })),
    });
    expect(await shown(pager)).toEqual([1, 2, 3, 4, 5, 60]);
    expect(await pending(pager)).toEqual(["1:one"]);
    await pager.close();
  });

  it("ends with CLOSED when the pager is closed, and has not happened", async () => {
    const transport = new RecordingTransport(patternDatabase(20, { pageSize: 512, revision: "r1" }));
    const store = await remoteStore({ ...FIRST, pageCount: 5 });
    const pager = await pagerOn(store, { base: cacheBase(transport) });
    await write(pager, { 2: 20 });
    const replay = async (over: WriteSource): Promise<void> => {
      void pager.close();
      await write(over, { 2: 21 });
    };
    await expect(pager.rebase({ ...step, replay })).rejects.toMatchObject({ code: "CLOSED" });
    await pager.close();
    const again = await pagerOn(store);
    expect(await shown(again)).toEqual([1, 20, 3, 4, 5]);
    await again.close();
  });
});

describe("pages of a partial replica", () => {
  const served = patternDatabase(20, { pageSize: 512, revision: "r1" });
  const moved = patternDatabase(20, { pageSize: 512, revision: "r2" });

  it("are never overwritten by older ones when their neighbours are fetched (W1)", async () => {
    const transport = new RecordingTransport(served);
    const store = await localStore();
    await store.reset(served.shape);
    let pager = await pagerOn(store, { base: cacheBase(transport) });
    // A local update, a checkpoint, a new process, and then the page beside it.
    await write(pager, { 1: 1, 6: 60 }, { change: "local" });
    await pager.checkpoint();
    await pager.close();
    pager = await pagerOn(store, { base: cacheBase(transport) });
    const snapshot = await pager.snapshot();
    expect(await snapshot.read(pageNo(7))).toEqual(served.page(pageNo(7)));
    expect(await snapshot.read(pageNo(6))).toEqual(filled(6, 60));
    expect(await pending(pager)).toEqual(["1:local"]);
    // A pulled update, a checkpoint, and a scan of everything.
    transport.replace(moved);
    await pager.rebase({
      shape: moved.shape,
      keep: new PageSet(),
      pages: [[{ page: pageNo(8), bytes: moved.page(pageNo(8)) }]],
      settled: [],
      replay: async (over) => void (await write(over, { 6: 66 })),
    });
    await pager.checkpoint();
    const newest = await pager.snapshot();
    for (let page = 2; page <= 20; page++) {
      const expected = page === 6 ? filled(6, 66) : moved.page(pageNo(page));
      expect(await newest.read(pageNo(page))).toEqual(expected);
    }
    const asked = transport.asked.flat();
    expect(asked.filter((page) => page === 8)).toEqual([]);
    await pager.close();
  });

  it("that arrived after the remote was asked are not taken for pages of the new revision", async () => {
    const transport = new RecordingTransport(served);
    const store = await localStore();
    await store.reset(served.shape);
    const pager = await pagerOn(store, { base: cacheBase(transport) });
    const early = await pager.snapshot();
    await early.read(pageNo(3));
    await store.flush();
    const keep = new PageSet(store.resident());
    await early.read(pageNo(4));
    transport.replace(moved);
    await pager.rebase({ shape: moved.shape, keep, pages: [], settled: [] });
    expect([...store.resident()]).toEqual([3]);
    const late = await pager.snapshot();
    expect(await late.read(pageNo(4))).toEqual(moved.page(pageNo(4)));
    await pager.close();
  });

  it("that a replay fetches are held afterwards", async () => {
    const transport = new RecordingTransport(served);
    const store = await localStore();
    await store.reset(served.shape);
    const pager = await pagerOn(store, { base: cacheBase(transport) });
    transport.replace(moved);
    await pager.rebase({
      shape: moved.shape,
      keep: new PageSet(),
      pages: [],
      settled: [],
      replay: async (over) => {
        const snapshot = await over.snapshot();
        expect(await snapshot.read(pageNo(9))).toEqual(moved.page(pageNo(9)));
        snapshot.release();
        await write(over, { 1: 1, 2: 20 });
      },
    });
    expect(store.resident().has(pageNo(9))).toBe(true);
    const requests = transport.asked.length;
    expect(await (await pager.snapshot()).read(pageNo(9))).toEqual(moved.page(pageNo(9)));
    expect(transport.asked).toHaveLength(requests);
    await pager.close();
  });

  it("of snapshots of before fail with REVISION_CHANGED where they were not resident", async () => {
    const transport = new RecordingTransport(served);
    const store = await localStore();
    await store.reset(served.shape);
    const pager = await pagerOn(store, { base: cacheBase(transport) });
    const early = await pager.snapshot();
    const waiting = early.read(pageNo(5)).catch((error: unknown) => error);
    transport.replace(moved);
    await pager.rebase({ shape: moved.shape, keep: new PageSet(), pages: [], settled: [] });
    await waiting;
    await expect(early.read(pageNo(9))).rejects.toMatchObject({ code: "REVISION_CHANGED", page: 9 });
    await pager.close();
  });

  it("move to the newest revision by a rebase when the remote drops the one they are of", async () => {
    const transport = new RecordingTransport(served);
    const store = await localStore();
    await store.reset(served.shape);
    const pager = await pagerOn(store, {
      base: cacheBase(transport),
      repin: (self) =>
        self.rebase({
          shape: moved.shape,
          keep: new PageSet(),
          pages: [],
          settled: [],
          replay: async (over) => void (await write(over, { 1: 1 })),
        }),
    });
    await write(pager, { 1: 10 }, { change: "one" });
    transport.replace(moved);
    const stale = await pager.snapshot();
    await expect(stale.read(pageNo(9))).rejects.toMatchObject({ code: "REVISION_CHANGED" });
    const transaction = await pager.begin();
    expect(transaction.revision).toBe("r2");
    expect(await transaction.read(pageNo(9))).toEqual(moved.page(pageNo(9)));
    transaction.release();
    expect(await pending(pager)).toEqual(["1:one"]);
    await pager.close();
  });
});
