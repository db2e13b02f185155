import { type PageNo, type PageStore, pageNo, revision } from "@lacuna/page";
import { type DiskOperation, failure, SimulatedDisk } from "@lacuna/testkit";
import { beforeEach, describe, expect, it } from "vitest";
import type { FileSystem } from "../src/files/file-system.ts";
import { openFileStore } from "../src/files/open-file-store.ts";
import { lockPath } from "../src/files/path-lock.ts";
import { HEADER_BYTES } from "../src/files/replica-header.ts";

const PATH = "/data/app.db";
const PAGE_SIZE = 512;
const SHAPE = { revision: revision("first"), pageSize: PAGE_SIZE, pageCount: 100_000 };

const bytesOf = (fill: number): Uint8Array => new Uint8Array(PAGE_SIZE).fill(fill);
const entry = (page: number, fill = page) => ({ page: pageNo(page), bytes: bytesOf(fill) });
const from = (first: number, count: number): number[] => Array.from({ length: count }, (_, i) => first + i);
const range = (first: number, last = first) => ({ first: pageNo(first), last: pageNo(last) });

const openOn = (files: FileSystem): Promise<PageStore> =>
  openFileStore(PATH, {
    files,
    lock: (token) =>
      lockPath(files, `${PATH}-lock`, { self: () => ({ pid: 1, started: "" }), isAlive: () => false }, token),
    random: (bytes) => crypto.getRandomValues(bytes),
  });

let disk: SimulatedDisk;
let operations: DiskOperation[];

/** How often something was done to the database file and to its info. */
const counted = (kind: DiskOperation["kind"]): { data: number; info: number } => ({
  data: operations.filter((operation) => operation.kind === kind && operation.path === PATH).length,
  info: operations.filter((operation) => operation.kind === kind && operation.path === `${PATH}-info`).length,
});

async function shaped(): Promise<PageStore> {
  const store = await openOn(disk);
  await store.reset(SHAPE);
  operations = [];
  return store;
}

beforeEach(() => {
  disk = new SimulatedDisk();
  operations = [];
  disk.before = (operation) => {
    operations.push(operation);
  };
});

/** Makes every operation of a kind on a file fail until the returned function is called. */
function breakDisk(kind: DiskOperation["kind"], path: string, code: string, skip = 0): () => void {
  const before = disk.before;
  let left = skip;
  disk.before = (operation) => {
    before(operation);
    if (operation.kind === kind && operation.path === path && left-- <= 0) throw failure(code, path);
  };
  return () => {
    disk.before = before;
  };
}

describe("the work of the file store", () => {
  it("writes a run of pages with one write, and its checksums with another", async () => {
    const store = await shaped();
    await store.put(from(1, 500).map((page) => entry(page)));
    expect(counted("write")).toEqual({ data: 1, info: 1 });
    expect(counted("sync")).toEqual({ data: 0, info: 0 });
  });

  it("writes the checksums of near pages together", async () => {
    const store = await shaped();
    await store.put([1, 10, 500, 90_000].map((page) => entry(page)));
    expect(counted("write")).toEqual({ data: 4, info: 2 });
  });

  it("reads a run of pages with one read", async () => {
    const store = await shaped();
    await store.put([...from(1, 50), ...from(60, 50)].map((page) => entry(page)));
    operations = [];
    await store.get(from(1, 110) as PageNo[]);
    expect(counted("read")).toEqual({ data: 2, info: 0 });
  });

  it("does not touch the files for pages it lacks", async () => {
    const store = await shaped();
    await store.get(from(1, 50) as PageNo[]);
    expect(operations).toEqual([]);
  });

  it("syncs each file once per flush, and neither if nothing was put", async () => {
    const store = await shaped();
    await store.flush();
    expect(counted("sync")).toEqual({ data: 0, info: 0 });
    await store.put([entry(1)]);
    await store.flush();
    await store.flush();
    expect(counted("sync")).toEqual({ data: 1, info: 1 });
  });

  it("syncs before it replaces a page by other bytes, and not to put the same bytes again", async () => {
    const store = await shaped();
    await store.put([entry(1, 1)]);
    await store.put([entry(1, 1)]);
    expect(counted("sync")).toEqual({ data: 0, info: 0 });
    await store.put([entry(1, 2)]);
    expect(counted("sync")).toEqual({ data: 0, info: 1 });
  });
});

describe("what a power cut leaves of the file store", () => {
  const lost = () => disk.afterPowerCut(() => false);

  it("is what was flushed", async () => {
    const store = await shaped();
    await store.put([entry(1)]);
    await store.flush();
    await store.put([entry(2)]);
    const after = await openOn(lost());
    expect([...after.resident()]).toEqual([1]);
    expect(after.getSync?.(pageNo(1))).toEqual(bytesOf(1));
  });

  it("is never the old bytes of a page that was put again", async () => {
    const store = await shaped();
    await store.put([entry(1, 1)]);
    await store.flush();
    await store.put([entry(1, 2)]);
    expect((await openOn(lost())).getSync?.(pageNo(1))).toBeUndefined();
  });

  it("is never the old bytes of a page that was evicted and put again", async () => {
    const store = await shaped();
    await store.put([entry(1, 1)]);
    await store.flush();
    await store.evict([range(1)]);
    await store.put([entry(1, 2)]);
    expect((await openOn(lost())).getSync?.(pageNo(1))).toBeUndefined();
  });

  it("is never a page of before a reset, also if nothing after its header arrived", async () => {
    const store = await shaped();
    await store.put([entry(1), entry(2)]);
    await store.flush();
    await store.reset({ ...SHAPE, revision: revision("second") });
    const after = await openOn(lost());
    expect(after.shape()?.revision).toBe("second");
    expect(await after.get([pageNo(1), pageNo(2)])).toEqual([undefined, undefined]);
  });

  it("is never a page without its checksum, nor a checksum without its page", async () => {
    for (const suffix of ["", "-info"]) {
      disk = new SimulatedDisk();
      const store = await shaped();
      await store.put([entry(1, 1)]);
      const only = disk.afterKill();
      // One file has everything, the other is as it was before the put.
      const mixed = lost();
      mixed.place(PATH + suffix, only.contents(PATH + suffix) ?? new Uint8Array());
      expect((await openOn(mixed)).getSync?.(pageNo(1))).toBeUndefined();
    }
  });

  it("opens again after a cut at any operation of making it", async () => {
    for (let step = 1; step < 40; step++) {
      for (const chance of [
        () => true,
        () => false,
        (i: number) => i % 2 === 0,
        (i: number) => i % 2 === 1,
      ]) {
        disk = new SimulatedDisk();
        let count = 0;
        disk.before = ({ path }) => {
          if (++count < step) return;
          disk.off = true;
          throw failure("EIO", path);
        };
        await openOn(disk).catch(() => {});
        let asked = 0;
        const after = await openOn(disk.afterPowerCut(() => chance(asked++)));
        expect(after.shape()).toBeUndefined();
      }
    }
  });
});

describe("a read of the file store under way", () => {
  it("does not give bytes that are being replaced meanwhile", async () => {
    let go = (): void => {};
    let reached = (): void => {};
    let waits = true;
    const atRead = new Promise<void>((resolve) => (reached = resolve));
    const slow: FileSystem = {
      size: (path) => disk.size(path),
      link: (path, second) => disk.link(path, second),
      rename: (path, name) => disk.rename(path, name),
      remove: (path) => disk.remove(path),
      syncDirectory: (path) => disk.syncDirectory(path),
      async open(path, how) {
        const file = await disk.open(path, how);
        if (path !== PATH) return file;
        return {
          ...file,
          async read(into, position) {
            const half = into.byteLength / 2;
            await file.read(into.subarray(0, half), position);
            if (waits) {
              waits = false;
              reached();
              await new Promise<void>((resolve) => (go = resolve));
            }
            return half + (await file.read(into.subarray(half), position + half));
          },
        };
      },
    };
    const store = await openOn(slow);
    await store.reset(SHAPE);
    await store.put([entry(1, 1)]);
    const reading = store.get([pageNo(1)]);
    await atRead;
    await store.put([entry(1, 2)]);
    go();
    expect(await reading).toEqual([bytesOf(2)]);
  });
});

describe("a file store on a failing disk", () => {
  it("says STORAGE_FULL when there is no room, keeps nothing of the batch, and goes on once there is", async () => {
    const store = await shaped();
    await store.put([entry(1)]);
    disk.tornBytes = 100;
    const repair = breakDisk("write", PATH, "ENOSPC");
    await expect(store.put([entry(2), entry(3)])).rejects.toMatchObject({ code: "STORAGE_FULL", path: PATH });
    expect([...store.resident()]).toEqual([1]);
    expect(await store.get([pageNo(1), pageNo(2)])).toEqual([bytesOf(1), undefined]);
    repair();
    await store.put([entry(2), entry(3)]);
    expect(await store.get([pageNo(2), pageNo(3)])).toEqual([bytesOf(2), bytesOf(3)]);
    await store.close();
    expect([...(await openOn(disk)).resident()]).toEqual([1, 2, 3]);
  });

  it("keeps nothing of a batch whose checksums could not be written", async () => {
    const store = await shaped();
    const repair = breakDisk("write", `${PATH}-info`, "ENOSPC");
    await expect(store.put([entry(2, 1)])).rejects.toMatchObject({ code: "STORAGE_FULL" });
    expect(store.resident().size).toBe(0);
    repair();
    await store.put([entry(2, 2)]);
    expect(store.getSync?.(pageNo(2))).toEqual(bytesOf(2));
  });

  it("needs no array of its own to read a page into", async () => {
    const store = await shaped();
    await store.put([entry(1), entry(2)]);
    const into = new Uint8Array(PAGE_SIZE);
    expect(store.getSync?.(pageNo(2), into)).toBe(into);
    expect(into).toEqual(bytesOf(2));
  });

  it("says STORAGE when flushing fails, and can flush later", async () => {
    const store = await shaped();
    await store.put([entry(1)]);
    const repair = breakDisk("sync", PATH, "EIO");
    const failed = await store.flush().catch((error: unknown) => error);
    expect(failed).toMatchObject({ code: "STORAGE", cause: { code: "EIO" } });
    repair();
    await store.flush();
    expect((await openOn(disk.afterPowerCut(() => false))).resident().size).toBe(1);
  });

  it("says STORAGE when reading fails, and leaves the page resident", async () => {
    const store = await shaped();
    await store.put([entry(1)]);
    const repair = breakDisk("read", PATH, "EIO");
    await expect(store.get([pageNo(1)])).rejects.toMatchObject({ code: "STORAGE" });
    repair();
    expect(await store.get([pageNo(1)])).toEqual([bytesOf(1)]);
  });

  for (const [kind, code] of [
    ["write", "ENOSPC"],
    ["sync", "EIO"],
  ] as const) {
    it(`has not reset if the ${kind} of the header fails, now and after a crash`, async () => {
      const store = await shaped();
      await store.put([entry(1)]);
      await store.flush();
      disk.tornBytes = 60;
      const repair = breakDisk(kind, `${PATH}-info`, code);
      const second = { ...SHAPE, revision: revision("second") };
      await expect(store.reset(second)).rejects.toMatchObject({
        code: code === "EIO" ? "STORAGE" : "STORAGE_FULL",
      });
      await expect(store.setMeta({ a: "b" })).rejects.toMatchObject({ path: PATH });
      expect([store.shape(), store.meta(), [...store.resident()]]).toEqual([SHAPE, {}, [1]]);
      repair();
      const after = await openOn(disk.afterPowerCut(() => false));
      expect([after.shape(), after.meta(), [...after.resident()]]).toEqual([SHAPE, {}, [1]]);
      await store.reset(second);
      expect(store.shape()).toEqual(second);
    });
  }

  it("takes a failed header back, so that it does not come true later", async () => {
    const store = await shaped();
    await store.put([entry(1)]);
    let failures = 1;
    const before = disk.before;
    disk.before = (operation) => {
      before(operation);
      if (operation.kind === "sync" && failures-- > 0) throw failure("EIO", operation.path);
    };
    await expect(store.reset({ ...SHAPE, revision: revision("second") })).rejects.toMatchObject({
      code: "STORAGE",
    });
    const after = await openOn(disk.afterKill());
    expect(after.shape()).toEqual(SHAPE);
    expect(after.getSync?.(pageNo(1))).toEqual(bytesOf(1));
  });

  it("gives the path up even if it cannot close properly, and says why", async () => {
    const store = await shaped();
    await store.put([entry(1)]);
    const repair = breakDisk("sync", PATH, "EIO");
    await expect(store.close()).rejects.toMatchObject({ code: "STORAGE" });
    repair();
    expect(disk.names()).toEqual([PATH, `${PATH}-info`]);
    await openOn(disk);
  });
});

describe("a file store whose files were changed", () => {
  /** The files of a closed replica with three pages. */
  async function closedReplica(): Promise<void> {
    const store = await shaped();
    await store.put([entry(1), entry(2), entry(3)]);
    await store.close();
  }

  function edit(path: string, change: (bytes: Uint8Array) => Uint8Array): void {
    disk.place(path, change(disk.contents(path) ?? new Uint8Array()));
  }

  it("lacks a page with a changed byte, and takes it again", async () => {
    await closedReplica();
    edit(PATH, (bytes) => bytes.fill(99, PAGE_SIZE + 7, PAGE_SIZE + 8));
    const store = await openOn(disk);
    expect([...store.resident()]).toEqual([1, 2, 3]);
    expect(await store.get([pageNo(1), pageNo(2), pageNo(3)])).toEqual([bytesOf(1), undefined, bytesOf(3)]);
    expect([...store.resident()]).toEqual([1, 3]);
    await store.put([entry(2)]);
    expect(store.getSync?.(pageNo(2))).toEqual(bytesOf(2));
  });

  it("lacks a page that is in another's place", async () => {
    await closedReplica();
    edit(PATH, (bytes) => bytes.copyWithin(0, PAGE_SIZE, 2 * PAGE_SIZE));
    edit(`${PATH}-info`, (bytes) => bytes.copyWithin(HEADER_BYTES, HEADER_BYTES + 4, HEADER_BYTES + 8));
    const store = await openOn(disk);
    expect(store.getSync?.(pageNo(1))).toBeUndefined();
    expect(store.getSync?.(pageNo(2))).toEqual(bytesOf(2));
  });

  it("lacks the pages that a shortened database file does not hold", async () => {
    await closedReplica();
    edit(PATH, (bytes) => bytes.slice(0, 2 * PAGE_SIZE - 1));
    const store = await openOn(disk);
    expect([...store.resident()]).toEqual([1]);
    await disk.remove(PATH);
    await store.close();
    expect([...(await openOn(disk)).resident()]).toEqual([]);
  });

  it("lacks the pages that a shortened info does not hold", async () => {
    await closedReplica();
    edit(`${PATH}-info`, (bytes) => bytes.slice(0, HEADER_BYTES + 2 * 4 + 1));
    expect([...(await openOn(disk)).resident()]).toEqual([1, 2]);
  });

  it("refuses an info it cannot read and leaves all files as they are", async () => {
    const damages: [string, (bytes: Uint8Array) => Uint8Array][] = [
      ["0 bytes", () => new Uint8Array()],
      ["20 bytes", (bytes) => bytes.slice(0, 20)],
      ["6e 6f 74 20 6f 75 72 73", () => new TextEncoder().encode("not ours ".repeat(5000))],
      [
        "does not match its checksum",
        (bytes) => bytes.map((byte, i) => (i % 16_384 === 50 ? byte ^ 1 : byte)),
      ],
    ];
    for (const [found, damage] of damages) {
      disk = new SimulatedDisk();
      await closedReplica();
      edit(`${PATH}-info`, damage);
      const before = disk.names().map((name) => disk.contents(name));
      const error = await openOn(disk).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: "REPLICA_CORRUPT", path: `${PATH}-info` });
      expect(String(error)).toContain(found);
      expect(disk.names().map((name) => disk.contents(name))).toEqual(before);
    }
  });

  it("opens with the header before when the last one is damaged", async () => {
    const store = await openOn(disk);
    await store.reset(SHAPE);
    await store.setMeta({ last: "one" });
    await store.close();
    // Header 3 is in the second slot.
    edit(`${PATH}-info`, (bytes) => bytes.fill(0, 16_384 + 45, 16_384 + 46));
    const after = await openOn(disk);
    expect(after.shape()).toEqual(SHAPE);
    expect(after.meta()).toEqual({});
  });
});
