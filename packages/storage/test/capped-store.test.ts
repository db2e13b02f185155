import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LacunaError, type PageEntry, type PageStore, pageNo, revision } from "@lacuna/page";
import { cappedStore } from "@lacuna/storage/capped";
import { memoryStore } from "@lacuna/storage/memory";
import { openNodeStore } from "@lacuna/storage/node";
import { describePageStore, type StoreOperation, withFaults } from "@lacuna/testkit";
import { afterAll, describe, expect, it } from "vitest";

const MIB = 1 << 20;
const PAGE = 4096;

describePageStore({
  name: "cappedStore over memoryStore",
  capabilities: { persistent: false, exclusive: false, synchronous: true },
  place: () => ({ open: async () => cappedStore(memoryStore(), { maxBytes: 64 * MIB }) }),
});

/** Pages that are leaves of a table to look at, each with its number in it. */
const leaf = (page: number): PageEntry => {
  const bytes = new Uint8Array(PAGE);
  bytes[0] = 0x0d;
  new DataView(bytes.buffer).setUint32(100, page);
  return { page: pageNo(page), bytes };
};
const leaves = (first: number, count: number): PageEntry[] =>
  Array.from({ length: count }, (_, i) => leaf(first + i));

async function open(inner: PageStore = memoryStore(), pageCount = 10_000): Promise<PageStore> {
  const store = cappedStore(inner, { maxBytes: MIB });
  if (store.shape() === undefined) await store.reset({ revision: revision("r"), pageSize: PAGE, pageCount });
  return store;
}

const held = (store: PageStore): number => store.resident().size * PAGE;

const directory = mkdtempSync(join(tmpdir(), "lacuna-capped-"));
afterAll(() => rmSync(directory, { recursive: true }));
let places = 0;

describePageStore({
  name: "cappedStore over openNodeStore",
  capabilities: { persistent: true, exclusive: true, synchronous: true },
  place() {
    const path = join(directory, `${++places}.db`);
    return { open: async () => cappedStore(await openNodeStore({ path }), { maxBytes: 64 * MIB }) };
  },
});

describe("cappedStore", () => {
  it("refuses a limit that is none", () => {
    for (const maxBytes of [0, MIB - 1, 1.5 * MIB + 0.5, Number.NaN]) {
      expect(() => cappedStore(memoryStore(), { maxBytes })).toThrow(LacunaError);
    }
  });

  it("never holds more, and forgets what was used the longest ago", async () => {
    const store = await open();
    for (let first = 2; first < 1002; first += 50) {
      await store.put(leaves(first, 50));
      expect(held(store)).toBeLessThanOrEqual(MIB);
      // Read every time, so never the oldest.
      expect((await store.get([pageNo(2)]))[0]).toBeDefined();
    }
    const pages = [...store.resident()];
    expect(pages[0]).toBe(2);
    // 256 pages fit: those that came last, without the eighth that was made free.
    expect(Math.min(...pages.slice(1))).toBeGreaterThan(1001 - 256);
    expect(Math.max(...pages)).toBe(1001);
  });

  it("keeps the last of more pages than there is room for", async () => {
    const store = await open();
    await store.put(leaves(2, 1000));
    expect(held(store)).toBeLessThanOrEqual(MIB);
    expect(Math.max(...store.resident())).toBe(1001);
  });

  it("counts a synchronous read as use", async () => {
    const store = await open();
    await store.put(leaves(2, 250));
    store.getSync?.(pageNo(3));
    await store.put(leaves(300, 20));
    expect([store.resident().has(pageNo(2)), store.resident().has(pageNo(3))]).toEqual([false, true]);
  });

  it("begins with what was there before it was opened, and looks what that is", async () => {
    const inner = memoryStore();
    await inner.reset({ revision: revision("r"), pageSize: PAGE, pageCount: 10_000 });
    await inner.put(leaves(2, 256));
    const store = await open(inner);
    await store.get([pageNo(5)]);
    await store.put(leaves(1000, 10));
    expect(store.resident().has(pageNo(5))).toBe(true);
    expect(store.resident().has(pageNo(2))).toBe(false);
    expect(held(store)).toBeLessThanOrEqual(MIB);
  });

  it("keeps the schema and the interior pages of a real database", async () => {
    const db = new DatabaseSync(":memory:");
    db.exec(`
      PRAGMA page_size = ${PAGE};
      CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT);
      CREATE INDEX t_b ON t(b);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40000)
        INSERT INTO t SELECT i, 'row number ' || i || hex(zeroblob(60)) FROM n;
    `);
    // A schema of several pages.
    for (let i = 0; i < 100; i++)
      db.exec(
        `CREATE TABLE other_${i}(a_column_with_a_long_name TEXT, another_column_with_a_long_name TEXT)`,
      );
    const file = db.serialize();
    db.close();
    const pageCount = file.length / PAGE;
    const store = await open(memoryStore(), pageCount);
    const entries = Array.from({ length: pageCount }, (_, i) => ({
      page: pageNo(i + 1),
      bytes: file.subarray(i * PAGE, (i + 1) * PAGE),
    }));
    for (let at = 0; at < pageCount; at += 100) await store.put(entries.slice(at, at + 100));
    expect(held(store)).toBeLessThanOrEqual(MIB);
    const kind = ({ page, bytes }: PageEntry): number => bytes[page === 1 ? 100 : 0] ?? 0;
    const interior = entries.filter((entry) => [2, 5].includes(kind(entry)));
    expect(interior.length).toBeGreaterThan(10);
    expect(kind(entries[0] as PageEntry)).toBe(5);
    const missing = interior.filter(({ page }) => !store.resident().has(page));
    expect(missing).toEqual([]);
    // The leaves of the schema: the children of page 1, of which the right-most is at 8 of its header.
    const last = new DataView(file.buffer, file.byteOffset + 108, 4).getUint32(0);
    expect(store.resident().has(pageNo(last))).toBe(true);
  });

  it("makes room once where the storage is full, for pages and for files beside them", async () => {
    let room = 0;
    const refused: string[] = [];
    const fails = ({ kind, file }: StoreOperation): void => {
      if (kind === "evict") room = 2;
      if ((kind !== "put" && (kind !== "write" || file === undefined)) || room-- > 0) return;
      refused.push(kind);
      throw new LacunaError("STORAGE_FULL", "no room is left");
    };
    const inner = memoryStore();
    await inner.reset({ revision: revision("r"), pageSize: PAGE, pageCount: 100 });
    await inner.put(leaves(2, 20));
    const store = cappedStore(withFaults(inner, fails), { maxBytes: MIB });
    await store.put(leaves(50, 2));
    expect([...store.resident()]).toHaveLength(12);
    room = 0;
    const file = await store.openFile("wal");
    await file.write(new Uint8Array(10), 0);
    expect(refused).toEqual(["put", "write"]);
    expect(await file.size()).toBe(10);
  });

  it("reports that the storage is full where there is nothing to forget", async () => {
    const inner = memoryStore();
    await inner.reset({ revision: revision("r"), pageSize: PAGE, pageCount: 100 });
    const fails = ({ kind }: StoreOperation): void => {
      if (kind === "put") throw new LacunaError("STORAGE_FULL", "no room is left");
    };
    const store = cappedStore(withFaults(inner, fails), { maxBytes: MIB });
    await expect(store.put(leaves(2, 1))).rejects.toMatchObject({ code: "STORAGE_FULL" });
  });
});
