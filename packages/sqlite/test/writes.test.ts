import { expect, it } from "vitest";
import { type CapturedTransaction, type Commit, openSqlite, type SqliteOptions } from "../src/index.ts";
import { makeDatabase } from "./bytes-source.ts";
import { describeDrivers } from "./drivers.ts";
import { MemorySource, type MemorySourceOptions } from "./memory-source.ts";

const small = makeDatabase((db) =>
  db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 'one')"),
);
const rows = (count: number) =>
  makeDatabase((db) =>
    db.exec(`PRAGMA page_size = 1024; CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE INDEX t_b ON t(b);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${count})
        INSERT INTO t SELECT i, 'v' || i || CASE WHEN i % 10 = 0 THEN hex(zeroblob(1500)) ELSE '' END FROM n;`),
  );
const large = rows(3000);
const medium = rows(300);
const ALL = "SELECT a, b FROM t ORDER BY a";
const NOTHING_RESIDENT: MemorySourceOptions = { resident: () => false };

describeDrivers("writing", (driver) => {
  const open = async (
    bytes: Uint8Array,
    options: Partial<SqliteOptions> = {},
    source?: MemorySourceOptions,
  ) => {
    const to = new MemorySource(bytes, source);
    return { source: to, db: await openSqlite({ source: to, driver, cacheBytes: 65_536, ...options }) };
  };

  it("is one commit for each statement outside of a transaction, and one for a transaction", async () => {
    const { db, source } = await open(small);
    expect(await db.run("INSERT INTO t VALUES (2, 'two')")).toEqual({ changes: 1, lastInsertRowid: 2 });
    expect(await db.all("UPDATE t SET b = upper(b) RETURNING b")).toEqual([{ b: "ONE" }, { b: "TWO" }]);
    expect(source.commits).toBe(2);
    await db.exec("BEGIN; DELETE FROM t WHERE a = 1; INSERT INTO t VALUES (3, 'three'); COMMIT");
    expect(source.commits).toBe(3);
    await db.exec("BEGIN IMMEDIATE; COMMIT; BEGIN; SELECT * FROM t; COMMIT; CREATE TABLE IF NOT EXISTS t(a)");
    expect(source.commits).toBe(3);
    await db.close();
    expect([source.held, source.writers]).toEqual([0, 0]);
  });

  it("that is rolled back leaves no trace, also when it did not fit into the page cache", async () => {
    const { db, source } = await open(medium, {}, NOTHING_RESIDENT);
    const before = source.bytes();
    await db.exec("BEGIN; UPDATE t SET b = b || 'more'; CREATE TABLE u AS SELECT * FROM t; ROLLBACK");
    expect(source.bytes()).toEqual(before);
    expect(source.commits).toBe(0);
    expect(await db.pragma("integrity_check")).toEqual([{ integrity_check: "ok" }]);
    expect(await db.get("SELECT b FROM t WHERE a = 7")).toEqual({ b: "v7" });
    await expect(db.get("SELECT * FROM u")).rejects.toThrow("no such table: u");
    await db.close();
    expect([source.held, source.writers]).toEqual([0, 0]);
  });

  it("whose commit fails has not happened, and the handle goes on", async () => {
    const { db, source } = await open(small);
    await db.get(ALL);
    const reason = new Error("the disk is full");
    source.failure = () => reason;
    await expect(db.run("UPDATE t SET b = 'lost'")).rejects.toBe(reason);
    await expect(db.exec("CREATE TABLE lost(a); INSERT INTO lost VALUES (1)")).rejects.toBe(reason);
    await db.exec("BEGIN; INSERT INTO t VALUES (2, 'lost')");
    await expect(db.exec("COMMIT")).rejects.toBe(reason);
    expect(db.inTransaction).toBe(false);
    source.failure = undefined;
    expect(await db.all(ALL)).toEqual([{ a: 1, b: "one" }]);
    await expect(db.run("INSERT INTO lost VALUES (2)")).rejects.toThrow("no such table: lost");
    await db.run("INSERT INTO t VALUES (2, 'two')");
    await db.exec("BEGIN; UPDATE t SET b = b || '!'; COMMIT");
    expect(await db.all(ALL)).toEqual([
      { a: 1, b: "one!" },
      { a: 2, b: "two!" },
    ]);
    expect(await db.pragma("integrity_check")).toEqual([{ integrity_check: "ok" }]);
    await db.close();
    expect([source.held, source.writers]).toEqual([0, 0]);
  });

  it("that fails for want of a page is undone alone, at whatever page it happens, and succeeds later", async () => {
    const captured: CapturedTransaction[] = [];
    const capture = (transaction: CapturedTransaction) => {
      captured.push(transaction);
      return Uint8Array.of(1);
    };
    const { db, source } = await open(medium, { capture }, NOTHING_RESIDENT);
    await db.exec("BEGIN; INSERT INTO t VALUES (5000, 'first'); DELETE FROM t WHERE a = 20");
    const reason = new Error("the network is gone");
    let failures = 0;
    for (let allowed = 0; ; allowed++) {
      let left = allowed;
      source.readFailure = () => (left-- > 0 ? undefined : reason);
      const changed = await db
        .run("UPDATE t SET b = 'x' WHERE a IN (100, 150, 250)")
        .catch((error: unknown) => (error === reason ? undefined : Promise.reject(error)));
      if (changed !== undefined) {
        expect(changed.changes).toBe(3);
        break;
      }
      failures++;
      source.readFailure = undefined;
      expect(await db.get("SELECT count(*) AS n FROM t WHERE b = 'x'")).toEqual({ n: 0 });
    }
    expect(failures).toBeGreaterThan(3);
    source.readFailure = undefined;
    await db.exec("COMMIT");
    expect(await db.pragma("integrity_check")).toEqual([{ integrity_check: "ok" }]);
    expect(await db.get("SELECT count(*) AS n, sum(b = 'x') AS x FROM t")).toEqual({ n: 300, x: 3 });
    // An insert, a delete with the whole old row, and three updates, of which each old row has 3,000 bytes.
    const [item] = captured[0]?.items ?? [];
    expect(captured).toHaveLength(1);
    expect(item?.kind === "changeset" && item.bytes.length).toBeGreaterThan(12_000);
    await db.close();
    expect([source.held, source.writers]).toEqual([0, 0]);
  });

  it("that is aborted while it waits for a page leaves no trace", async () => {
    const { db, source } = await open(medium, {}, NOTHING_RESIDENT);
    const controller = new AbortController();
    source.readFailure = () => {
      controller.abort(new Error("enough"));
      return undefined;
    };
    const deleting = db.with({ signal: controller.signal }).run("DELETE FROM t WHERE a > 100");
    await expect(deleting).rejects.toThrow("enough");
    source.readFailure = undefined;
    expect(await db.get("SELECT count(*) AS n FROM t")).toEqual({ n: 300 });
    expect(source.commits).toBe(0);
    await db.close();
    expect([source.held, source.writers]).toEqual([0, 0]);
  });

  it("that gives rows happens whole, however many are taken, and not at all if they cannot be handed over", async () => {
    const { db, source } = await open(small);
    const insert = "INSERT INTO t(b) SELECT value FROM json_each('[1, 2, 9007199254740993, 4]') RETURNING b";
    await expect(db.all(insert)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    expect([source.commits, (await db.all(ALL)).length]).toEqual([0, 1]);
    await db.exec("BEGIN; INSERT INTO t VALUES (100, 'kept')");
    await expect(db.all(insert)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await db.exec("COMMIT");
    expect(await db.all("SELECT a FROM t")).toEqual([{ a: 1 }, { a: 100 }]);
    const numbers = "json_each('[' || rtrim(replace(hex(zeroblob(5000)), '00', '1,'), ',') || ']')";
    const many = `INSERT INTO t(b) SELECT value FROM ${numbers} RETURNING a`;
    expect(await db.get(many)).toEqual({ a: 101 });
    expect(await db.get("SELECT count(*) AS n FROM t")).toEqual({ n: 5002 });
    expect(source.commits).toBe(2);
    await db.close();
  });

  it("keeps what INSERT OR FAIL did before it failed", async () => {
    const { db, source } = await open(small);
    const insert = "INSERT OR FAIL INTO t VALUES (2, 'two'), (1, 'again'), (3, 'three')";
    await expect(db.run(insert)).rejects.toMatchObject({ sqliteCode: "SQLITE_CONSTRAINT_PRIMARYKEY" });
    expect(await db.all("SELECT a FROM t")).toEqual([{ a: 1 }, { a: 2 }]);
    expect(source.commits).toBe(1);
    await db.close();
  });

  it("leaves readers their snapshot, and the next statement sees what was committed", async () => {
    const { db } = await open(large);
    const rows = db.iterate<{ b: string }>("SELECT b FROM t");
    expect((await rows.next()).value).toEqual({ b: "v1" });
    await db.run("UPDATE t SET b = 'changed'");
    expect(await db.get("SELECT count(*) AS n FROM t WHERE b = 'changed'")).toEqual({ n: 3000 });
    let old = 0;
    for await (const { b } of rows) if (b !== "changed") old++;
    expect(old).toBe(2999);
    await db.close();
  });

  it("of two handles on one source shows each what the other one did, schema and all", async () => {
    const { db, source } = await open(small);
    const other = await openSqlite({ source, driver });
    for (let round = 2; round < 6; round++) {
      const [writer, reader] = round % 2 === 0 ? [db, other] : [other, db];
      await writer.run("INSERT INTO t(a, b) VALUES (?, 'x')", round);
      expect(await reader.get("SELECT max(a) AS a FROM t")).toEqual({ a: round });
      await writer.exec(`ALTER TABLE t ADD COLUMN c${round} DEFAULT ${round}`);
      expect(await reader.get(`SELECT c${round} AS c FROM t`)).toEqual({ c: round });
      await reader.run(`UPDATE t SET c${round} = c${round} + 1`);
      expect(await writer.get(`SELECT c${round} AS c FROM t`)).toEqual({ c: round + 1 });
    }
    expect(await db.pragma("integrity_check")).toEqual([{ integrity_check: "ok" }]);
    await Promise.all([db.close(), other.close()]);
  });

  it("begins a database of no pages, with the page size of the source", async () => {
    const { db, source } = await open(new Uint8Array(0), {}, { pageSize: 2048 });
    expect(await db.all("SELECT * FROM sqlite_schema")).toEqual([]);
    await db.exec("PRAGMA page_size = 512; CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(9000))");
    expect(await db.pragma("page_size")).toEqual([{ page_size: 2048 }]);
    expect(source.bytes().length).toBe(6 * 2048);
    await db.exec("DELETE FROM t; VACUUM");
    expect(source.bytes().length).toBe(2 * 2048);
    await db.close();
  });

  it("cuts freed pages off an auto-vacuum database when asked, not with each commit", async () => {
    const made = makeDatabase((db) =>
      db.exec(
        "PRAGMA page_size = 1024; PRAGMA auto_vacuum = FULL; CREATE TABLE t(a); INSERT INTO t VALUES (zeroblob(90000))",
      ),
    );
    const { db, source } = await open(made, {}, NOTHING_RESIDENT);
    await db.exec("BEGIN; DELETE FROM t; INSERT INTO t VALUES (1); COMMIT");
    expect(source.bytes().length).toBe(made.length);
    await db.exec("PRAGMA auto_vacuum = FULL; PRAGMA incremental_vacuum");
    expect(source.bytes().length).toBe(3 * 1024);
    expect(await db.pragma("integrity_check")).toEqual([{ integrity_check: "ok" }]);
    // To others it is what it was.
    expect([...source.bytes().subarray(64, 68)]).toEqual([0, 0, 0, 0]);
    await db.close();
  });

  it("to a full-text index in a transaction survives missing pages at any time", async () => {
    const made = makeDatabase((db) =>
      db.exec(`PRAGMA page_size = 512; CREATE VIRTUAL TABLE f USING fts5(body);
        INSERT INTO f(f, rank) VALUES ('pgsz', 64);
        WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300)
          INSERT INTO f SELECT 'word' || i || ' common w' || (i % 7) FROM n;`),
    );
    const { db } = await open(made, { capture: () => undefined }, NOTHING_RESIDENT);
    await db.exec("BEGIN");
    for (let row = 0; row < 20; row++) await db.run("INSERT INTO f VALUES ('common ' || ?)", `new${row}`);
    await db.run("DELETE FROM f WHERE rowid % 50 = 0");
    await db.exec("COMMIT");
    await db.run("INSERT INTO f(f) VALUES ('integrity-check')");
    expect(await db.get("SELECT count(*) AS n FROM f WHERE f MATCH 'common'")).toEqual({ n: 314 });
    await db.close();
  });

  it("shrinks with VACUUM, and keeps its page size", async () => {
    const { db, source } = await open(large);
    const before = source.bytes().length;
    await db.exec("DELETE FROM t WHERE a > 300; PRAGMA page_size = 4096; VACUUM");
    expect(source.bytes().length).toBeLessThan(before / 5);
    expect(await db.pragma("integrity_check")).toEqual([{ integrity_check: "ok" }]);
    expect(await db.get("SELECT count(*) AS n FROM t")).toEqual({ n: 300 });
    await db.close();
  });

  it("answers PRAGMAs about the file without letting them change how it is written", async () => {
    const { db, source } = await open(small);
    expect(await db.pragma("journal_mode = DELETE")).toEqual([{ journal_mode: "wal" }]);
    expect(await db.pragma("journal_mode")).toEqual([{ journal_mode: "wal" }]);
    expect(await db.pragma("locking_mode = EXCLUSIVE")).toEqual([{ locking_mode: "normal" }]);
    await db.exec(
      "PRAGMA journal_mode = OFF; PRAGMA main.locking_mode = EXCLUSIVE; PRAGMA temp_store = FILE",
    );
    expect(await db.pragma("wal_checkpoint(TRUNCATE)")).toHaveLength(1);
    await db.exec("BEGIN; INSERT INTO t VALUES (2, 'two'); ROLLBACK; INSERT INTO t VALUES (3, 'three')");
    expect(await db.all("SELECT a FROM t")).toEqual([{ a: 1 }, { a: 3 }]);
    await db.exec("CREATE TEMP TABLE x AS SELECT * FROM t ORDER BY b");
    expect([source.commits, source.held]).toEqual([1, 0]);
    await db.close();
  });

  it("to temporary tables and attached databases takes nobody's turn and is not recorded", async () => {
    const commits: Commit[] = [];
    const capture = () => {
      throw new Error("nothing was to be recorded");
    };
    const { db, source } = await open(small, { capture, onCommit: (commit) => commits.push(commit) });
    const busy = await source.begin();
    await db.exec(
      "CREATE TEMP TABLE x(a); INSERT INTO x VALUES (1); ATTACH ':memory:' AS m; CREATE TABLE m.y(a)",
    );
    await db.exec("BEGIN; INSERT INTO y SELECT a FROM x; UPDATE x SET a = 5; COMMIT");
    expect(await db.all("SELECT x.a, y.a AS b FROM x, y")).toEqual([{ a: 5, b: 1 }]);
    busy.rollback();
    expect([source.commits, commits]).toEqual([0, []]);
    await db.close();
  });

  it("to a source that takes nothing is refused as SQLite refuses it", async () => {
    const { db, source } = await open(small);
    const { LacunaError } = await import("@lacuna/page");
    source.begin = () => Promise.reject(new LacunaError("NOT_SUPPORTED", "read only"));
    await expect(db.run("DELETE FROM t")).rejects.toMatchObject({ sqliteCode: "SQLITE_READONLY" });
    expect(await db.all(ALL)).toHaveLength(1);
    await db.close();
  });

  it("tells the tables that each commit may have changed", async () => {
    const commits: Commit[] = [];
    const { db } = await open(small, { onCommit: (commit) => commits.push(commit) });
    await db.exec(
      "CREATE TABLE log(a); CREATE TRIGGER t_log AFTER INSERT ON t BEGIN INSERT INTO log VALUES (1); END",
    );
    await db.run("INSERT INTO t VALUES (2, 'two')");
    await db.exec("BEGIN; DELETE FROM log; ROLLBACK; BEGIN; DELETE FROM t; CREATE INDEX i ON log(a); COMMIT");
    expect(commits.map(({ tables }) => [...tables].sort())).toEqual([
      ["log"],
      ["t_log"],
      ["log", "t"],
      ["i", "t"],
    ]);
    await db.close();
  });
});
