import { type DatabaseShape, type PageStore, revision } from "@lacuna/page";
import { expect, it } from "vitest";
import {
  bytesOf,
  entry,
  from,
  type OpenAt,
  PAGE_SIZE,
  type PageStoreSubject,
  pages,
  run,
  SHAPE,
} from "./store-subject.ts";

/** How the tests get at stores. */
export interface StoreMakers {
  empty(): Promise<PageStore>;
  shaped(): Promise<PageStore>;
  /** Whether it reads without waiting. */
  readonly synchronous: boolean;
}

/** The promises about other revisions and the files beside the pages. */
export function describeStoreFiles({ empty, shaped, synchronous }: StoreMakers): void {
  it("adopts another revision with the pages it has, without those to drop", async () => {
    const store = await shaped();
    await store.put(from(1, 20).map((page) => entry(page)));
    await store.setMeta({ remote: "r" });
    const next: DatabaseShape = { ...SHAPE, revision: revision("second"), pageCount: 2000 };
    await store.adopt(next, [run(3, 5), run(19, 4_294_967_294)]);
    expect(store.shape()).toEqual(next);
    expect([...store.resident()]).toEqual([1, 2, ...from(6, 13)]);
    expect(await store.get(pages(2, 3, 18, 19))).toEqual([bytesOf(2), undefined, bytesOf(18), undefined]);
    expect(store.meta()).toEqual({ remote: "r" });
    await store.put([entry(3, 9), entry(2000)]);
    expect(await store.get(pages(3, 2000))).toEqual([bytesOf(3, 9), bytesOf(2000)]);
  });

  it("adopts the same revision again without losing what was put since", async () => {
    const store = await shaped();
    await store.put(from(1, 4).map((page) => entry(page)));
    const next: DatabaseShape = { ...SHAPE, revision: revision("second") };
    await store.adopt(next, [run(2, 2)]);
    await store.put([entry(7)]);
    await store.adopt(next, []);
    expect([...store.resident()]).toEqual([1, 3, 4, 7]);
  });

  it("forgets the pages after the end of a shorter revision, also when it becomes longer again", async () => {
    const store = await shaped();
    await store.put([entry(9), entry(10), entry(11)]);
    await store.adopt({ ...SHAPE, pageCount: 10 }, []);
    expect([...store.resident()]).toEqual([9, 10]);
    await expect(store.put([entry(11)])).rejects.toThrow(RangeError);
    await store.adopt(SHAPE, []);
    expect(await store.get(pages(10, 11))).toEqual([bytesOf(10), undefined]);
  });

  it("adopts no shape with other pages, none that no database has, and none before the first", async () => {
    const store = await empty();
    await expect(store.adopt(SHAPE, [])).rejects.toThrow(RangeError);
    await store.reset(SHAPE);
    await store.put([entry(1)]);
    await expect(store.adopt({ ...SHAPE, pageSize: 1024 }, [])).rejects.toThrow(RangeError);
    await expect(store.adopt({ ...SHAPE, pageCount: -1 }, [])).rejects.toThrow(RangeError);
    expect(store.shape()).toEqual(SHAPE);
    expect(await store.get(pages(1))).toEqual([bytesOf(1)]);
  });

  it("has files beside the pages, with bytes wherever they are written", async () => {
    const store = await shaped();
    const file = await store.openFile("wal");
    expect(await file.size()).toBe(0);
    await file.write(bytesOf(1), 100_000);
    await file.write(Uint8Array.of(7, 8, 9), 3);
    expect(await file.size()).toBe(100_000 + PAGE_SIZE);
    const start = new Uint8Array(8).fill(1);
    expect(await file.read(start, 1)).toBe(8);
    expect([...start]).toEqual([0, 0, 7, 8, 9, 0, 0, 0]);
    const end = new Uint8Array(PAGE_SIZE + 5);
    expect(await file.read(end, 100_000)).toBe(PAGE_SIZE);
    expect(end.subarray(0, PAGE_SIZE)).toEqual(bytesOf(1));
    expect(await file.read(end, 200_000)).toBe(0);
    expect(file.readSync !== undefined).toBe(synchronous);
    if (file.readSync !== undefined) {
      expect(file.readSync(start, 4)).toBe(8);
      expect([...start]).toEqual([8, 9, 0, 0, 0, 0, 0, 0]);
    }
    await file.sync();
  });

  it("cuts its files, and what was cut off is zeros when they grow again", async () => {
    const store = await shaped();
    const file = await store.openFile("changes");
    await file.write(new Uint8Array(1000).fill(5), 0);
    await file.truncate(10);
    expect(await file.size()).toBe(10);
    await file.truncate(20);
    expect(await file.size()).toBe(20);
    const found = new Uint8Array(30);
    expect(await file.read(found, 0)).toBe(20);
    expect([...found.subarray(0, 20)]).toEqual([...from(1, 10).map(() => 5), ...from(1, 10).map(() => 0)]);
  });

  it("opens a file once at a time, and finds its bytes again, through reset and adopt", async () => {
    const store = await shaped();
    const file = await store.openFile("pull");
    await expect(store.openFile("pull")).rejects.toMatchObject({ code: "BUSY" });
    await expect(store.removeFile("pull")).rejects.toMatchObject({ code: "BUSY" });
    await file.write(Uint8Array.of(4), 0);
    await file.sync();
    await Promise.all([file.close(), file.close()]);
    await expect(file.read(new Uint8Array(1), 0)).rejects.toMatchObject({ code: "CLOSED" });
    await expect(file.write(new Uint8Array(1), 0)).rejects.toMatchObject({ code: "CLOSED" });
    await store.reset({ ...SHAPE, revision: revision("second") });
    await store.adopt(SHAPE, []);
    const again = await store.openFile("pull");
    expect(await again.size()).toBe(1);
  });

  it("removes a file, and does nothing where there is none", async () => {
    const store = await shaped();
    const file = await store.openFile("wal");
    await file.write(Uint8Array.of(4), 0);
    await file.close();
    await store.removeFile("wal");
    await store.removeFile("wal");
    expect(await (await store.openFile("wal")).size()).toBe(0);
  });

  it("closes its files when it is closed", async () => {
    const store = await shaped();
    const file = await store.openFile("wal");
    await store.close();
    await expect(file.size()).rejects.toMatchObject({ code: "CLOSED" });
    await file.close();
  });
}

/** The same for stores that outlive their handles. */
export function describeLastingFiles(subject: PageStoreSubject, openAt: OpenAt): void {
  it("is at the adopted revision after closing and opening, with the pages of it", async () => {
    const place = await subject.place();
    const before = await openAt(place);
    await before.reset(SHAPE);
    await before.put(from(1, 9).map((page) => entry(page)));
    const next: DatabaseShape = { ...SHAPE, revision: revision("second"), pageCount: 8 };
    await before.adopt(next, [run(3, 4)]);
    await before.close();
    const after = await openAt(place);
    expect(after.shape()).toEqual(next);
    expect([...after.resident()]).toEqual([1, 2, 5, 6, 7, 8]);
    expect(await after.get(pages(2, 3))).toEqual([bytesOf(2), undefined]);
  });

  it("has its files again after closing and opening", async () => {
    const place = await subject.place();
    const before = await openAt(place);
    const file = await before.openFile("changes");
    await file.write(bytesOf(3), 7);
    await file.sync();
    await before.close();
    const again = await (await openAt(place)).openFile("changes");
    const found = new Uint8Array(PAGE_SIZE);
    expect(await again.read(found, 7)).toBe(PAGE_SIZE);
    expect(found).toEqual(bytesOf(3));
  });
}
