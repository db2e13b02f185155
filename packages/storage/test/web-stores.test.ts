import { DatabaseSync } from "node:sqlite";
import { isLacunaError, pageNo, revision } from "@lacuna/page";
import { openIndexedDbStore } from "@lacuna/storage/indexeddb";
import { describePageStore } from "@lacuna/testkit";
import { IDBFactory } from "fake-indexeddb";
import { describe, expect, it } from "vitest";
import "fake-indexeddb/auto";
import {
  openFileDatabase,
  pathRange,
  request,
  type StoredFile,
  transaction,
} from "../src/indexeddb/file-database.ts";
import { webLock } from "../src/web/web-lock.ts";

/** Web Locks of one origin, as far as they are used here. */
function webLocks(): LockManager {
  const held = new Set<string>();
  const request = async (name: string, _options: unknown, run: (lock: unknown) => Promise<unknown>) => {
    if (held.has(name)) return run(null);
    held.add(name);
    try {
      return await run({ name });
    } finally {
      held.delete(name);
    }
  };
  return { request } as unknown as LockManager;
}

let places = 0;

describePageStore({
  name: "openIndexedDbStore",
  capabilities: { persistent: true, exclusive: true, synchronous: false },
  place() {
    const path = `${++places}.db`;
    const indexedDB = new IDBFactory();
    const locks = webLocks();
    return { open: () => openIndexedDbStore({ path, indexedDB, locks }) };
  },
});

describePageStore({
  name: "openIndexedDbStore with compress",
  capabilities: { persistent: true, exclusive: true, synchronous: false },
  place() {
    const path = `${++places}.db`;
    const indexedDB = new IDBFactory();
    const locks = webLocks();
    return { open: () => openIndexedDbStore({ path, indexedDB, locks, compress: true }) };
  },
});

/** Bytes that IndexedDB keeps of the pages of `a.db`, and in how many blocks. */
async function storedBytes(indexedDB: IDBFactory): Promise<{ bytes: number; blocks: number }> {
  const database = await openFileDatabase("lacuna:a.db", indexedDB);
  const stored = await transaction(database, ["files", "blocks"], "readonly", async (files, blocks) => {
    const { id } = await request<StoredFile>(files.get("a.db"));
    return request<Uint8Array[]>(blocks.getAll(pathRange(id)));
  });
  database.close();
  return { bytes: stored.reduce((sum, block) => sum + block.byteLength, 0), blocks: stored.length };
}

/** A dictionary: words with what they mean, and an index, as a database of `pages` pages of 4 KiB and a little more. */
function dictionary(): Uint8Array {
  const db = new DatabaseSync(":memory:");
  db.exec("PRAGMA page_size = 4096; CREATE TABLE sense(id INTEGER PRIMARY KEY, word TEXT, gloss TEXT)");
  const words =
    "the of a small large bird tree person act that which is used for making by with water light".split(" ");
  const insert = db.prepare("INSERT INTO sense VALUES (?, ?, ?)");
  let seed = 1;
  const next = (below: number): number => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let id = 1; id <= 10_000; id++) {
    const gloss = Array.from({ length: 5 + next(15) }, () => words[next(words.length)]).join(" ");
    insert.run(id, `${words[next(words.length)]}${id.toString(36)}`, gloss);
  }
  db.exec("CREATE INDEX sense_word ON sense(word)");
  const file = db.serialize();
  db.close();
  return file;
}

describe("openIndexedDbStore with compress", () => {
  const file = dictionary();
  const pageCount = file.length / 4096;
  const entries = Array.from({ length: pageCount }, (_, i) => ({
    page: pageNo(i + 1),
    bytes: file.subarray(i * 4096, (i + 1) * 4096),
  }));

  it("keeps a dictionary in half the room, and gives back the same pages", async () => {
    const sizes: number[] = [];
    for (const compress of [false, true]) {
      const [indexedDB, locks] = [new IDBFactory(), webLocks()];
      const store = await openIndexedDbStore({ path: "a.db", indexedDB, locks, compress });
      await store.reset({ revision: revision("r"), pageSize: 4096, pageCount });
      await store.put(entries);
      await store.close();
      sizes.push((await storedBytes(indexedDB)).bytes);
      // What was kept one way is read the other way as well.
      const again = await openIndexedDbStore({ path: "a.db", indexedDB, locks, compress: !compress });
      const found = await again.get(entries.map(({ page }) => page));
      expect(
        found.every(
          (bytes, i) =>
            Buffer.compare(bytes ?? new Uint8Array(), entries[i]?.bytes ?? new Uint8Array()) === 0,
        ),
      ).toBe(true);
      await again.close();
    }
    const [plain = 0, packed = 0] = sizes;
    expect(plain).toBeGreaterThanOrEqual(file.length);
    expect(packed).toBeLessThan(plain / 2);
  });

  it("takes a damaged block for pages that are absent", async () => {
    const [indexedDB, locks] = [new IDBFactory(), webLocks()];
    const store = await openIndexedDbStore({ path: "a.db", indexedDB, locks, compress: true });
    await store.reset({ revision: revision("r"), pageSize: 4096, pageCount });
    await store.put(entries.slice(0, 16));
    await store.close();
    const database = await openFileDatabase("lacuna:a.db", indexedDB);
    await transaction(database, ["files", "blocks"], "readwrite", async (files, blocks) => {
      const { id } = await request<StoredFile>(files.get("a.db"));
      await request(blocks.put(new Uint8Array([1, 2, 3]), [id, 0]));
    });
    database.close();
    const again = await openIndexedDbStore({ path: "a.db", indexedDB, locks, compress: true });
    const found = await again.get(entries.slice(0, 16).map(({ page }) => page));
    expect(found.map((bytes) => bytes !== undefined)).toEqual([
      ...Array(8).fill(false),
      ...Array(8).fill(true),
    ]);
    await again.close();
  });
});

describe("openIndexedDbStore", () => {
  it("gives back the room of pages that are forgotten", async () => {
    const [indexedDB, locks] = [new IDBFactory(), webLocks()];
    const store = await openIndexedDbStore({ path: "a.db", indexedDB, locks });
    await store.reset({ revision: revision("r"), pageSize: 4096, pageCount: 64 });
    const all = Array.from({ length: 64 }, (_, i) => ({
      page: pageNo(i + 1),
      bytes: new Uint8Array(4096).fill(i + 1),
    }));
    await store.put(all);
    await store.flush();
    expect(await storedBytes(indexedDB)).toMatchObject({ blocks: 8 });
    // A block has 8 pages: two blocks as a whole, and half of another one twice.
    await store.evict([{ first: pageNo(1), last: pageNo(20) }]);
    await store.flush();
    expect(await storedBytes(indexedDB)).toMatchObject({ blocks: 6 });
    await store.evict([{ first: pageNo(21), last: pageNo(24) }]);
    await store.flush();
    expect(await storedBytes(indexedDB)).toMatchObject({ blocks: 5 });
    await store.put(all.slice(0, 1));
    const found = await store.get(all.map(({ page }) => page));
    expect(found.map((bytes) => bytes?.[0])).toEqual(
      all.map((_, i) => (i === 0 || i >= 24 ? i + 1 : undefined)),
    );
    await store.close();
  });

  it("cannot own a path without Web Locks", async () => {
    const taking = webLock("a.db", undefined, () => {});
    await expect(taking).rejects.toSatisfy((error) => isLacunaError(error, "STORAGE"));
  });

  it("says that no room is left, and keeps what was stored before", async () => {
    const indexedDB = new IDBFactory();
    const locks = webLocks();
    const store = await openIndexedDbStore({ path: "a.db", indexedDB, locks });
    await store.reset({ revision: revision("r"), pageSize: 512, pageCount: 10 });
    await store.put([{ page: pageNo(1), bytes: new Uint8Array(512).fill(1) }]);
    await store.flush();
    const put = IDBObjectStore.prototype.put;
    IDBObjectStore.prototype.put = () => {
      throw new DOMException("full", "QuotaExceededError");
    };
    try {
      await store.put([{ page: pageNo(2), bytes: new Uint8Array(512).fill(2) }]);
      await expect(store.flush()).rejects.toSatisfy((error) => isLacunaError(error, "STORAGE_FULL"));
    } finally {
      IDBObjectStore.prototype.put = put;
    }
    expect((await store.get([pageNo(1)]))[0]?.[0]).toBe(1);
    await store.flush();
    await store.close();
    const again = await openIndexedDbStore({ path: "a.db", indexedDB, locks });
    expect([...again.resident()]).toEqual([1, 2]);
    await again.close();
  });
});
