import { type DatabaseShape, type PageNo, type PageStore, pageNo, revision } from "@lacuna/page";
import { afterEach, describe, expect, it } from "vitest";
import { describeLastingFiles, describeStoreFiles } from "./store-files-suite.ts";
import {
  bytesOf,
  entry,
  from,
  type OpenAt,
  PAGE_SIZE,
  type PageStorePlace,
  type PageStoreSubject,
  pages,
  run,
  SHAPE,
} from "./store-subject.ts";

/** One test for each promise of the `PageStore` contract. */
export function describePageStore(subject: PageStoreSubject): void {
  const { persistent, exclusive, synchronous } = subject.capabilities;
  const opened: PageStore[] = [];
  const openAt = async (place: PageStorePlace): Promise<PageStore> => {
    const store = await place.open();
    opened.push(store);
    return store;
  };
  const empty = async (): Promise<PageStore> => openAt(await subject.place());
  const shaped = async (): Promise<PageStore> => {
    const store = await empty();
    await store.reset(SHAPE);
    return store;
  };

  describe(`${subject.name} as a PageStore`, () => {
    afterEach(async () => {
      for (const store of opened.splice(0)) await store.close();
    });

    it("is empty at first: no shape, no page, no meta", async () => {
      const store = await empty();
      expect(store.shape()).toBeUndefined();
      expect(store.resident().size).toBe(0);
      expect(store.meta()).toEqual({});
      expect(await store.get(pages(1))).toEqual([undefined]);
    });

    it("gives back the bytes it was given", async () => {
      const store = await shaped();
      await store.put([entry(2), entry(7, 3)]);
      expect(await store.get(pages(2, 7))).toEqual([bytesOf(2), bytesOf(7, 3)]);
    });

    it("keeps its own copy of the bytes it is given", async () => {
      const store = await shaped();
      const mine = entry(1);
      const put = store.put([mine]);
      mine.bytes.fill(9);
      await put;
      mine.bytes.fill(8);
      expect(await store.get(pages(1))).toEqual([bytesOf(1)]);
    });

    it("takes pages that are views into a larger buffer, at any offset", async () => {
      const store = await shaped();
      const buffer = new Uint8Array(3 + 2 * PAGE_SIZE);
      buffer.set(bytesOf(4), 3);
      buffer.set(bytesOf(9), 3 + PAGE_SIZE);
      await store.put([
        { page: pageNo(4), bytes: buffer.subarray(3, 3 + PAGE_SIZE) },
        { page: pageNo(9), bytes: buffer.subarray(3 + PAGE_SIZE) },
      ]);
      expect(await store.get(pages(4, 9))).toEqual([bytesOf(4), bytesOf(9)]);
    });

    it("gives arrays that belong to the caller", async () => {
      const store = await shaped();
      await store.put([entry(1), entry(2)]);
      const [one, two, again] = await store.get(pages(1, 2, 1));
      one?.fill(9);
      expect(two).toEqual(bytesOf(2));
      expect(again).toEqual(bytesOf(1));
      structuredClone(two, { transfer: two === undefined ? [] : [two.buffer] });
      expect(one).toEqual(new Uint8Array(PAGE_SIZE).fill(9));
      expect(await store.get(pages(1, 2))).toEqual([bytesOf(1), bytesOf(2)]);
    });

    it("answers in the order asked, also for pages asked twice and pages it lacks", async () => {
      const store = await shaped();
      await store.put(from(1, 8).map((page) => entry(page)));
      const asked = [5, 900, 3, 4, 5, 8, 7, 1];
      expect(await store.get(pages(...asked))).toEqual(
        asked.map((p) => (p === 900 ? undefined : bytesOf(p))),
      );
      expect(await store.get([])).toEqual([]);
    });

    it("answers undefined for pages outside the database", async () => {
      const store = await shaped();
      expect(await store.get(pages(1001, 4_294_967_294))).toEqual([undefined, undefined]);
    });

    it("keeps a page of zeros as a page", async () => {
      const store = await shaped();
      await store.put([{ page: pageNo(6), bytes: new Uint8Array(PAGE_SIZE) }]);
      expect(store.resident().has(pageNo(6))).toBe(true);
      expect(await store.get(pages(5, 6))).toEqual([undefined, new Uint8Array(PAGE_SIZE)]);
    });

    it("keeps the last bytes put for a page, also within one batch", async () => {
      const store = await shaped();
      await store.put([entry(1, 1), entry(2, 1)]);
      await store.put([entry(1, 2), entry(1, 3)]);
      expect(await store.get(pages(1, 2))).toEqual([bytesOf(1, 3), bytesOf(2, 1)]);
      expect(store.resident().size).toBe(2);
    });

    it("shows what it holds as a live set", async () => {
      const store = await shaped();
      const resident = store.resident();
      expect([...resident]).toEqual([]);
      await store.put([entry(9), entry(3), entry(4)]);
      expect([...resident]).toEqual([3, 4, 9]);
      await store.evict([run(4, 4)]);
      expect([...resident]).toEqual([3, 9]);
      await store.reset(SHAPE);
      expect([...resident]).toEqual([]);
      expect(store.resident()).toBe(resident);
    });

    it("refuses a batch with a page outside the database and keeps nothing of it", async () => {
      const store = await shaped();
      await expect(store.put([entry(1), entry(1001)])).rejects.toThrow(RangeError);
      await expect(store.put([entry(1), { page: 0 as PageNo, bytes: bytesOf(0) }])).rejects.toThrow(
        RangeError,
      );
      expect(store.resident().size).toBe(0);
      expect(await store.get(pages(1))).toEqual([undefined]);
    });

    it("refuses a batch with a page of a wrong length and keeps nothing of it", async () => {
      const store = await shaped();
      for (const length of [0, PAGE_SIZE - 1, PAGE_SIZE + 1, 2 * PAGE_SIZE]) {
        const wrong = { page: pageNo(2), bytes: new Uint8Array(length) };
        await expect(store.put([entry(1), wrong])).rejects.toThrow(RangeError);
      }
      // Two wrongs that are right on average.
      const short = { page: pageNo(1), bytes: new Uint8Array(PAGE_SIZE - 1) };
      const long = { page: pageNo(2), bytes: new Uint8Array(PAGE_SIZE + 1) };
      await expect(store.put([short, long])).rejects.toThrow(RangeError);
      expect(store.resident().size).toBe(0);
      expect(await store.get(pages(1, 2))).toEqual([undefined, undefined]);
    });

    it("refuses pages while it has no shape", async () => {
      const store = await empty();
      await expect(store.put([entry(1)])).rejects.toThrow(RangeError);
      expect(store.resident().size).toBe(0);
    });

    it("refuses a shape no database can have and stays as it was", async () => {
      const store = await shaped();
      await store.put([entry(1)]);
      for (const wrong of [{ pageSize: 1000 }, { pageSize: 256 }, { pageCount: -1 }, { pageCount: 1.5 }]) {
        await expect(store.reset({ ...SHAPE, ...wrong })).rejects.toThrow(RangeError);
      }
      expect(store.shape()).toEqual(SHAPE);
      expect(await store.get(pages(1))).toEqual([bytesOf(1)]);
    });

    it("takes an empty batch and an empty list of ranges", async () => {
      const store = await shaped();
      await store.put([]);
      await store.evict([]);
      expect(store.resident().size).toBe(0);
    });

    it("forgets evicted pages and no others", async () => {
      const store = await shaped();
      await store.put(from(1, 10).map((page) => entry(page)));
      await store.evict([run(2, 3), run(9, 4_294_967_294)]);
      expect([...store.resident()]).toEqual([1, 4, 5, 6, 7, 8]);
      const left = await store.get(pages(...from(1, 10)));
      expect(left.map((bytes) => bytes !== undefined)).toEqual(
        from(1, 10).map((page) => store.resident().has(pageNo(page))),
      );
    });

    it("takes an evicted page again, with other bytes", async () => {
      const store = await shaped();
      await store.put([entry(3, 1)]);
      await store.evict([run(3, 3)]);
      await store.put([entry(3, 2)]);
      expect(await store.get(pages(3))).toEqual([bytesOf(3, 2)]);
    });

    it("takes another shape and forgets every page in one step", async () => {
      const store = await shaped();
      await store.put(from(1, 20).map((page) => entry(page)));
      const next: DatabaseShape = { revision: revision("second"), pageSize: 1024, pageCount: 30 };
      await store.reset(next);
      expect(store.shape()).toEqual(next);
      expect(store.resident().size).toBe(0);
      expect(await store.get(pages(...from(1, 20)))).toEqual(from(1, 20).map(() => undefined));
      await store.put([{ page: pageNo(30), bytes: bytesOf(30, 4, 1024) }]);
      expect(await store.get(pages(29, 30))).toEqual([undefined, bytesOf(30, 4, 1024)]);
      await expect(store.put([entry(1)])).rejects.toThrow(RangeError);
    });

    it("keeps its own copy of the shape", async () => {
      const store = await empty();
      const shape = { ...SHAPE };
      await store.reset(shape);
      shape.pageCount = 1;
      expect(store.shape()).toEqual(SHAPE);
    });

    it("takes a database without pages", async () => {
      const store = await empty();
      await store.reset({ ...SHAPE, pageCount: 0 });
      expect(store.shape()?.pageCount).toBe(0);
      await expect(store.put([entry(1)])).rejects.toThrow(RangeError);
    });

    it("carries operations out in the order they were asked for", async () => {
      const store = await shaped();
      const next: DatabaseShape = { ...SHAPE, revision: revision("second") };
      await Promise.all([
        store.put([entry(1, 1), entry(2, 1)]),
        store.evict([run(1, 1)]),
        store.put([entry(3, 1)]),
        store.reset(next),
        store.put([entry(2, 5), entry(4, 5)]),
        store.put([entry(4, 6)]),
      ]);
      expect(store.shape()).toEqual(next);
      expect([...store.resident()]).toEqual([2, 4]);
      expect(await store.get(pages(2, 4))).toEqual([bytesOf(2, 5), bytesOf(4, 6)]);
    });

    it("never answers with torn or foreign bytes while pages are put, replaced and evicted", async () => {
      const store = await shaped();
      await store.put(from(1, 40).map((page) => entry(page, 1)));
      const writing: Promise<void>[] = [];
      const reading: Promise<void>[] = [];
      for (let round = 2; round < 12; round++) {
        writing.push(store.put(from(1, 40).map((page) => entry(page, round))));
        if (round % 3 === 0) writing.push(store.evict([run(5, 15)]));
        reading.push(
          store.get(pages(...from(1, 40))).then((found) => {
            found.forEach((bytes, i) => {
              if (bytes !== undefined) expect(bytes).toEqual(bytesOf(i + 1, bytes[4]));
            });
          }),
        );
      }
      await Promise.all([...writing, ...reading]);
      expect(await store.get(pages(1, 40))).toEqual([bytesOf(1, 11), bytesOf(40, 11)]);
    });

    it("takes a batch of thousands of pages, scattered and in runs", async () => {
      const store = await empty();
      await store.reset({ ...SHAPE, pageCount: 20_000 });
      const numbers = [...from(5_001, 4_000), ...from(1, 500).map((i) => i * 7), 20_000];
      await store.put(numbers.map((page) => entry(page)));
      expect(store.resident().size).toBe(numbers.length);
      expect(await store.get(pages(...numbers))).toEqual(numbers.map((page) => bytesOf(page)));
    });

    it("replaces its meta as a whole and keeps it through a reset", async () => {
      const store = await empty();
      const meta: Record<string, string> = { remote: "https://example.com/a.db", "": "ünï" };
      await store.setMeta(meta);
      meta["remote"] = "changed";
      expect(store.meta()).toEqual({ remote: "https://example.com/a.db", "": "ünï" });
      await store.reset(SHAPE);
      expect(store.meta()).toEqual({ remote: "https://example.com/a.db", "": "ünï" });
      await store.setMeta({ client: "c1" });
      expect(store.meta()).toEqual({ client: "c1" });
      expect(store.shape()).toEqual(SHAPE);
    });

    it("flushes at any time, also twice and with nothing put", async () => {
      const store = await empty();
      await store.flush();
      await store.reset(SHAPE);
      await store.put([entry(1)]);
      await Promise.all([store.flush(), store.flush()]);
      expect(await store.get(pages(1))).toEqual([bytesOf(1)]);
    });

    it("closes twice without complaint", async () => {
      const store = await shaped();
      await Promise.all([store.close(), store.close()]);
      await store.close();
    });

    it("answers CLOSED once closed", async () => {
      const store = await shaped();
      await store.put([entry(1)]);
      await store.close();
      const closed = { code: "CLOSED" };
      await expect(store.get(pages(1))).rejects.toMatchObject(closed);
      await expect(store.put([entry(1)])).rejects.toMatchObject(closed);
      await expect(store.evict([run(1, 1)])).rejects.toMatchObject(closed);
      await expect(store.reset(SHAPE)).rejects.toMatchObject(closed);
      await expect(store.setMeta({})).rejects.toMatchObject(closed);
      await expect(store.flush()).rejects.toMatchObject(closed);
      await expect(store.adopt(SHAPE, [])).rejects.toMatchObject(closed);
      await expect(store.openFile("wal")).rejects.toMatchObject(closed);
      await expect(store.removeFile("wal")).rejects.toMatchObject(closed);
      if (store.getSync !== undefined) {
        expect(() => store.getSync?.(pageNo(1))).toThrow(expect.objectContaining(closed));
      }
    });

    it("finishes what was asked for before it closes", async () => {
      const place = await subject.place();
      const store = await openAt(place);
      const work = [store.reset(SHAPE), store.put([entry(1)]), store.get(pages(1)), store.close()];
      await Promise.all(work);
      if (!persistent) return;
      expect(await (await openAt(place)).get(pages(1))).toEqual([bytesOf(1)]);
    });

    it("keeps places apart", async () => {
      const [one, two] = [await shaped(), await shaped()];
      await one.put([entry(1, 1)]);
      await two.put([entry(1, 2)]);
      expect(await one.get(pages(1))).toEqual([bytesOf(1, 1)]);
      expect(await two.get(pages(1))).toEqual([bytesOf(1, 2)]);
    });

    if (synchronous) {
      it("reads one page at once as it would with waiting", async () => {
        const store = await shaped();
        await store.put([entry(1), entry(5, 7)]);
        const numbers = pages(1, 2, 5, 1001);
        expect(numbers.map((page) => store.getSync?.(page))).toEqual(await store.get(numbers));
        store.getSync?.(pageNo(5))?.fill(9);
        expect(store.getSync?.(pageNo(5))).toEqual(bytesOf(5, 7));
        await store.evict([run(5, 5)]);
        expect(store.getSync?.(pageNo(5))).toBeUndefined();
      });

      it("reads the same into an array that it is given", async () => {
        const store = await shaped();
        await store.put([entry(1), entry(5, 7)]);
        const into = new Uint8Array(PAGE_SIZE).fill(9);
        for (const page of pages(1, 2, 5, 1001)) {
          expect(store.getSync?.(page, into)).toEqual(store.getSync?.(page));
        }
        into.fill(9);
        expect(store.getSync?.(pageNo(5))).toEqual(bytesOf(5, 7));
      });
    } else {
      it("has no getSync, as it says", async () => {
        expect((await empty()).getSync).toBeUndefined();
      });
    }

    describeStoreFiles({ empty, shaped, synchronous });
    if (persistent) {
      describePersistence(subject, openAt);
      describeLastingFiles(subject, openAt);
    }
    if (exclusive) describeOwnership(subject, openAt);
  });
}

function describePersistence(subject: PageStoreSubject, openAt: OpenAt): void {
  it("holds the same after closing and opening", async () => {
    const place = await subject.place();
    const before = await openAt(place);
    await before.reset(SHAPE);
    await before.put(from(10, 50).map((page) => entry(page)));
    await before.put([entry(10, 2), entry(1000)]);
    await before.evict([run(20, 29)]);
    await before.setMeta({ remote: "r" });
    const [held, kept] = [[...before.resident()], await before.get(pages(10, 20, 30, 1000))];
    await before.close();

    const after = await openAt(place);
    expect(after.shape()).toEqual(SHAPE);
    expect(after.meta()).toEqual({ remote: "r" });
    expect([...after.resident()]).toEqual(held);
    expect(await after.get(pages(10, 20, 30, 1000))).toEqual(kept);
    if (after.getSync !== undefined) expect(after.getSync(pageNo(11))).toEqual(bytesOf(11));
  });

  it("stays empty after a reset, closing and opening", async () => {
    const place = await subject.place();
    const before = await openAt(place);
    await before.reset(SHAPE);
    await before.put([entry(1), entry(2)]);
    await before.close();
    const between = await openAt(place);
    await between.reset({ ...SHAPE, revision: revision("second") });
    await between.close();
    const after = await openAt(place);
    expect(after.shape()?.revision).toBe("second");
    expect(after.resident().size).toBe(0);
    expect(await after.get(pages(1, 2))).toEqual([undefined, undefined]);
  });
}

function describeOwnership(subject: PageStoreSubject, openAt: OpenAt): void {
  it("has one owner at a time, and another after it is closed", async () => {
    const place = await subject.place();
    const owner = await openAt(place);
    await owner.reset(SHAPE);
    await expect(place.open()).rejects.toMatchObject({ code: "LOCKED" });
    await owner.put([entry(1)]);
    expect(await owner.get(pages(1))).toEqual([bytesOf(1)]);
    await owner.close();
    expect((await openAt(place)).shape()).toBeDefined();
  });

  it("gives a place to one of several who open it together", async () => {
    const place = await subject.place();
    const results = await Promise.allSettled(from(1, 8).map(() => openAt(place)));
    const failures = results.filter((result) => result.status === "rejected");
    expect(failures).toHaveLength(7);
    for (const { reason } of failures) expect(reason).toMatchObject({ code: "LOCKED" });
  });
}
