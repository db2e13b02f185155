import { copyFileSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { LOCAL_REVISION, PageSet, type PageStore, pageNo, revision } from "@lacuna/page";
import { openNodeStore } from "@lacuna/storage/node";
import { afterAll, describe, expect, it } from "vitest";
import { openPager, type Pager } from "../src/index.ts";
import { cacheBase } from "./local-replica.ts";

const directory = mkdtempSync(join(tmpdir(), "lacuna-pager-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let places = 0;
const newPath = (): string => join(directory, `${++places}.db`);

/** The states of a database as SQLite itself makes them, one after another. */
function states(...statements: readonly string[]): Uint8Array[] {
  const db = new DatabaseSync(":memory:");
  try {
    return statements.map((sql) => {
      db.exec(sql);
      return db.serialize();
    });
  } finally {
    db.close();
  }
}

const pageSizeOf = (file: Uint8Array): number => (file[16] ?? 0) * 256 + (file[17] ?? 0);
const pageOf = (file: Uint8Array, page: number): Uint8Array =>
  file.subarray((page - 1) * pageSizeOf(file), page * pageSizeOf(file));

/** A replica that holds every page of the database. */
async function completeReplica(path: string, file: Uint8Array): Promise<PageStore> {
  const store = await openNodeStore({ path });
  const pageSize = pageSizeOf(file);
  const pageCount = file.length / pageSize;
  await store.reset({ revision: revision("r1"), pageSize, pageCount });
  const entries = Array.from({ length: pageCount }, (_, i) => ({
    page: pageNo(i + 1),
    bytes: pageOf(file, i + 1),
  }));
  await store.put(entries);
  await store.flush();
  return store;
}

/** Writes what differs, as SQLite would. */
async function writeState(pager: Pager, before: Uint8Array, after: Uint8Array): Promise<void> {
  const transaction = await pager.begin();
  const pageSize = pageSizeOf(after);
  for (let page = 1; page <= after.length / pageSize; page++) {
    const bytes = pageOf(after, page);
    if (Buffer.compare(bytes, pageOf(before, page)) !== 0) transaction.write(pageNo(page), bytes);
  }
  transaction.truncate(after.length / pageSize);
  await transaction.commit(new Uint8Array([1]));
}

/** What the stock SQLite finds in a copy of the files. */
function readByStock(path: string): { integrity: unknown; rows: unknown } {
  const copy = newPath();
  for (const suffix of ["", "-wal"])
    if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix);
  const db = new DatabaseSync(copy);
  try {
    return {
      integrity: db.prepare("PRAGMA integrity_check").all(),
      rows: db.prepare("SELECT count(*) AS n, max(length(b)) AS longest FROM t").get(),
    };
  } finally {
    db.close();
  }
}

const insert = (from: number, to: number): string =>
  `WITH RECURSIVE generate(value) AS (SELECT ${from} UNION ALL SELECT value + 1 FROM generate WHERE value < ${to}) ` +
  "INSERT INTO t SELECT value, hex(randomblob(200)) FROM generate";
const [base, grown, deleted, vacuumed] = states(
  `CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX i ON t(b); ${insert(1, 200)}`,
  insert(201, 500),
  "DELETE FROM t WHERE a > 60",
  "VACUUM",
) as [Uint8Array, Uint8Array, Uint8Array, Uint8Array];
const ok = (n: number) => ({ integrity: [{ integrity_check: "ok" }], rows: { n, longest: 400 } });

describe("a complete replica with local pages, to the stock SQLite", () => {
  it.each([
    ["in rollback mode", 1],
    ["in WAL mode", 2],
  ])("is a sound database, where the base is %s", async (_, mode) => {
    const path = newPath();
    const file = base.slice();
    file.fill(mode, 18, 20);
    const store = await completeReplica(path, file);
    const pager = await openPager({ store, base: cacheBase() });
    expect(readByStock(path)).toEqual(ok(200));
    await writeState(pager, base, grown);
    expect(readByStock(path)).toEqual(ok(500));
    await writeState(pager, grown, deleted);
    expect(readByStock(path)).toEqual(ok(60));
    await writeState(pager, deleted, vacuumed);
    expect(vacuumed.length).toBeLessThan(deleted.length);
    expect(readByStock(path)).toEqual(ok(60));
    await pager.checkpoint();
    expect(readByStock(path)).toEqual(ok(60));
    await pager.close();
    await store.close();
    expect(readByStock(path)).toEqual(ok(60));
  });

  it("is the last committed state also if it is copied while it is open", async () => {
    const path = newPath();
    const store = await completeReplica(path, base);
    const pager = await openPager({ store, base: cacheBase() });
    await writeState(pager, base, grown);
    const transaction = await pager.begin();
    transaction.write(pageNo(2), pageOf(vacuumed, 2));
    const copy = newPath();
    for (const suffix of ["", "-info", "-wal", "-changes", "-pull"]) {
      if (existsSync(path + suffix)) copyFileSync(path + suffix, copy + suffix);
    }
    transaction.rollback();
    const copied = await openNodeStore({ path: copy });
    const again = await openPager({ store: copied, base: cacheBase() });
    expect(again.pendingCount).toBe(1);
    const snapshot = await again.snapshot();
    for (let page = 2; page <= snapshot.pageCount; page++) {
      expect(Buffer.compare(await snapshot.read(pageNo(page)), pageOf(grown, page))).toBe(0);
    }
    await again.close();
    await copied.close();
    await pager.close();
    await store.close();
  });

  it("is sound after a rebase to a shorter revision", async () => {
    const path = newPath();
    const store = await completeReplica(path, grown);
    const pager = await openPager({ store, base: cacheBase() });
    const pageSize = pageSizeOf(vacuumed);
    const pageCount = vacuumed.length / pageSize;
    const all = Array.from({ length: pageCount }, (_, i) => ({
      page: pageNo(i + 1),
      bytes: pageOf(vacuumed, i + 1),
    }));
    const shape = { revision: revision("r2"), pageSize, pageCount };
    await pager.rebase({ shape, keep: new PageSet(), pages: [all], settled: [] });
    await pager.close();
    await store.close();
    expect(readByStock(path)).toEqual(ok(60));
  });
});

describe("a database without a remote, to the stock SQLite", () => {
  it("is sound after the first commit, after more, and after a checkpoint", async () => {
    const path = newPath();
    const store = await openNodeStore({ path });
    await store.reset({ revision: LOCAL_REVISION, pageSize: pageSizeOf(base), pageCount: 0 });
    const pager = await openPager({ store, base: cacheBase() });
    await writeState(pager, new Uint8Array(), base);
    expect(readByStock(path)).toEqual(ok(200));
    await writeState(pager, base, grown);
    expect(readByStock(path)).toEqual(ok(500));
    await writeState(pager, grown, vacuumed);
    await pager.checkpoint();
    expect(readByStock(path)).toEqual(ok(60));
    await pager.close();
    await store.close();
    expect(readByStock(path)).toEqual(ok(60));
  });
});

describe("files that somebody else put there", () => {
  const closeAll = async (path: string): Promise<void> => {
    const store = await completeReplica(path, base);
    const pager = await openPager({ store, base: cacheBase() });
    await writeState(pager, base, grown);
    await pager.close();
    await store.close();
  };

  const codeOfOpening = async (path: string): Promise<string> => {
    const store = await openNodeStore({ path });
    try {
      const pager = await openPager({ store, base: cacheBase() });
      await pager.close();
      return "no error";
    } catch (error) {
      return error instanceof Error && "code" in error ? String(error.code) : String(error);
    } finally {
      await store.close();
    }
  };

  it.each(["-wal", "-changes", "-pull"])("are not overwritten where PATH%s is one (W21)", async (suffix) => {
    for (const used of [false, true]) {
      const path = newPath();
      if (used) await closeAll(path);
      else await (await completeReplica(path, base)).close();
      const foreign = Buffer.from(
        "this belongs to somebody else, and there is a good deal more of it ".repeat(9),
      );
      writeFileSync(path + suffix, foreign);
      expect(await codeOfOpening(path)).toBe("REPLICA_CORRUPT");
      expect(Buffer.compare(readFileSync(path + suffix), foreign)).toBe(0);
    }
  });

  it("are noticed after another program wrote to the database", async () => {
    const path = newPath();
    await closeAll(path);
    // It moves the local pages into the database file and removes the log.
    const db = new DatabaseSync(path);
    db.exec("INSERT INTO t VALUES (1000, 'x')");
    db.close();
    expect(existsSync(`${path}-wal`)).toBe(false);
    expect(await codeOfOpening(path)).toBe("REPLICA_CORRUPT");
  });
});
