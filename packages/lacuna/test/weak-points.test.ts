import { copyFileSync, existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import type { ConnectOptions, Database } from "../src/index.ts";
import { rowsOf, type SyncRemote, syncRemote } from "./sync-remote.ts";

/**
 * Where replicas of this kind are known to lose or revert rows: each of these happened, with a client of the same protocol,
 * and must not happen here.
 */
const LARGE = `CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
  INSERT INTO t SELECT i, printf('%.*c', 900, 'x') FROM n`;

const partial = (segmentSize = 65_536): Partial<ConnectOptions> => ({
  partialSync: { bootstrapStrategy: { kind: "prefix", length: 4096 }, segmentSize, prefetch: false },
});

async function settled(remote: SyncRemote, db: Database, sql: string): Promise<void> {
  await db.push();
  await db.pull();
  expect(await rowsOf(db, sql)).toEqual(remote.rows(sql));
  expect(await rowsOf(db, "PRAGMA integrity_check")).toEqual([["ok"]]);
}

describe("W1: fetching missing pages", () => {
  it("never reverts what was written beside them, after a checkpoint and a restart", async () => {
    const remote = await syncRemote(LARGE);
    const path = join(remote.directory, "local.db");
    const first = await remote.replica({ ...partial(4096), path });
    await first.exec("UPDATE t SET v = 'mine' WHERE id = 1000");
    await first.checkpoint();
    await first.close();
    const second = await remote.replica({ ...partial(), path });
    // Neighbours in the same segment, then everything.
    await second.all("SELECT v FROM t WHERE id BETWEEN 990 AND 1010");
    expect(await rowsOf(second, "SELECT count(*), max(v = 'mine') FROM t")).toEqual([[2000, 1]]);
    expect(await rowsOf(second, "SELECT v FROM t WHERE id = 1000")).toEqual([["mine"]]);
    expect(await second.pending()).toHaveLength(1);
    await settled(remote, second, "SELECT id, v FROM t");
    expect(remote.rows("SELECT v FROM t WHERE id = 1000")).toEqual([["mine"]]);
  });

  it("never reverts what was pulled, after a checkpoint and a scan", async () => {
    const remote = await syncRemote(LARGE);
    const db = await remote.replica(partial());
    await db.all("SELECT v FROM t WHERE id = 1000");
    remote.exec("UPDATE t SET v = 'theirs' WHERE id = 1000");
    await db.pull();
    await db.checkpoint();
    expect(await rowsOf(db, "SELECT count(*), max(v = 'theirs') FROM t")).toEqual([[2000, 1]]);
    await settled(remote, db, "SELECT id, v FROM t");
  });
});

describe("W2: a page that cannot be fetched", () => {
  it.each([
    ["status 500", async () => new Response("broken", { status: 500 })],
    ["a connection that breaks", () => Promise.reject(new TypeError("connection reset"))],
    ["garbage", async () => new Response(new Uint8Array([1, 2, 3]))],
  ])("for %s fails its statement and nothing else, and the next one succeeds", async (_, failure) => {
    const remote = await syncRemote(LARGE);
    const db = await remote.replica(partial(4096));
    await db.all("SELECT v FROM t WHERE id = 1");
    remote.intercept = failure;
    await expect(db.all("SELECT v FROM t WHERE id = 900")).rejects.toMatchObject({ name: "LacunaError" });
    await expect(db.exec("UPDATE t SET v = 'mine' WHERE id = 1700")).rejects.toMatchObject({
      name: "LacunaError",
    });
    expect(await rowsOf(db, "SELECT length(v) FROM t WHERE id = 1")).toEqual([[900]]);
    remote.intercept = undefined;
    await db.exec("UPDATE t SET v = 'mine' WHERE id = 1700");
    expect(await rowsOf(db, "SELECT length(v) FROM t WHERE id IN (900, 1700)")).toEqual([[900], [4]]);
  });

  it("that the remote dropped moves the replica on, and what was not pushed along with it", async () => {
    const remote = await syncRemote(LARGE, false);
    const db = await remote.replica(partial(4096));
    await db.exec("INSERT INTO t VALUES (5000, 'mine')");
    remote.exec("UPDATE t SET v = 'theirs' WHERE id = 1500");
    remote.exec("UPDATE t SET v = 'theirs too' WHERE id = 1501");
    await expect(db.all("SELECT v FROM t WHERE id = 700")).rejects.toMatchObject({
      code: "REVISION_CHANGED",
    });
    expect(await rowsOf(db, "SELECT v FROM t WHERE id IN (1500, 1501, 5000)")).toEqual([
      ["theirs"],
      ["theirs too"],
      ["mine"],
    ]);
    await settled(remote, db, "SELECT id, v FROM t");
  });

  it("after a handle was closed and opened again in one process is fetched by the new one", async () => {
    const remote = await syncRemote(LARGE);
    const path = join(remote.directory, "local.db");
    await (await remote.replica({ ...partial(4096), path })).close();
    const db = await remote.replica({ ...partial(4096), path });
    expect(await rowsOf(db, "SELECT length(v) FROM t WHERE id = 1999")).toEqual([[900]]);
  });
});

it("W10: a row that violates a constraint of the remote fails the push as a whole, is named, and nothing is lost", async () => {
  const remote = await syncRemote("CREATE TABLE u(id INTEGER PRIMARY KEY, y TEXT UNIQUE)");
  const db = await remote.replica();
  await db.exec("INSERT INTO u VALUES (1, 'a')");
  await db.exec("INSERT INTO u VALUES (2, 'taken')");
  await db.exec("INSERT INTO u VALUES (3, 'c')");
  remote.exec("INSERT INTO u VALUES (100, 'taken')");
  const errors: unknown[] = [];
  db.on("error", ({ during }) => errors.push(during));
  await expect(db.push()).rejects.toMatchObject({
    code: "PUSH_REJECTED",
    change: { id: "2.1", key: { id: 2n } },
  });
  await expect(db.push()).rejects.toThrow("UNIQUE constraint failed: u.y");
  expect(remote.rows("SELECT id FROM u")).toEqual([[100]]);
  expect(await rowsOf(db, "SELECT id FROM u")).toEqual([[1], [2], [3]]);
  expect(db.health().sync.errors.push).toMatchObject({ code: "PUSH_REJECTED" });
  expect(errors).toEqual(["push", "push"]);
  // The application resolves it here.
  await db.exec("UPDATE u SET y = 'free' WHERE id = 2");
  await db.discard("2.1");
  await db.exec("INSERT OR REPLACE INTO u VALUES (2, 'free')");
  await settled(remote, db, "SELECT * FROM u");
  expect(db.health().sync.errors.push).toBeUndefined();
});

describe("W11: a schema that changes between a write and its push", () => {
  it.each([
    ["a table that is dropped", "INSERT INTO t VALUES (1, 'a'); DROP TABLE t"],
    [
      "a table that is renamed",
      "INSERT INTO t VALUES (1, 'a'); ALTER TABLE t RENAME TO s; INSERT INTO s VALUES (2, 'b')",
    ],
    [
      "a column that is renamed",
      "INSERT INTO t VALUES (1, 'a'); ALTER TABLE t RENAME v TO w; INSERT INTO t(w) VALUES ('b')",
    ],
    [
      "a column that is dropped",
      "ALTER TABLE t ADD w; INSERT INTO t VALUES (1, 'a', 'b'); ALTER TABLE t DROP w; INSERT INTO t VALUES (2, 'c')",
    ],
    [
      "views, triggers and indexes",
      "CREATE VIEW w AS SELECT v FROM t; CREATE INDEX i ON t(v); CREATE TRIGGER r AFTER INSERT ON t BEGIN UPDATE t SET v = upper(v) WHERE id = new.id; END; INSERT INTO t VALUES (1, 'a'); DROP VIEW w",
    ],
    [
      "a table made of a query",
      "INSERT INTO t VALUES (1, 'a'); CREATE TABLE c AS SELECT * FROM t; DELETE FROM t",
    ],
    [
      "a temporary table",
      "CREATE TEMP TABLE x(y); INSERT INTO x VALUES (1); INSERT INTO t SELECT y, 'from temp' FROM x",
    ],
    [
      "a table with a quote in its name",
      'CREATE TABLE "q""x"("a""b" INTEGER PRIMARY KEY); INSERT INTO "q""x" VALUES (7); ALTER TABLE "q""x" ADD COLUMN c',
    ],
    [
      "AUTOINCREMENT",
      "CREATE TABLE a(id INTEGER PRIMARY KEY AUTOINCREMENT, v); INSERT INTO a(v) VALUES ('x'), ('y'); DELETE FROM a WHERE id = 2; INSERT INTO a(v) VALUES ('z')",
    ],
    [
      "generated columns",
      "CREATE TABLE g(a INTEGER PRIMARY KEY, b AS (a * 2), c INT AS (a + 1) STORED); INSERT INTO g(a) VALUES (4); UPDATE g SET a = 5",
    ],
    ["numbers of the application", "PRAGMA user_version = 7; INSERT INTO t VALUES (1, 'a')"],
  ])("%s", async (_, sql) => {
    const remote = await syncRemote("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
    const db = await remote.replica();
    await db.exec(sql);
    const schema =
      "SELECT type, name, sql FROM sqlite_schema WHERE name NOT LIKE 'turso%' AND name NOT LIKE 'sqlite%' ORDER BY name";
    const before = await rowsOf(db, schema);
    const contents = async (): Promise<unknown[]> => {
      const tables = before
        .filter(([type]) => type === "table")
        .map(([, name]) => String(name).replaceAll('"', '""'));
      return Promise.all(tables.map((name) => rowsOf(db, `SELECT * FROM "${name}" ORDER BY 1`)));
    };
    const written = await contents();
    await settled(remote, db, schema);
    expect(await rowsOf(db, schema)).toEqual(before);
    expect(await contents()).toEqual(written);
  });
});

it("W12: keys that are no row id, change, or are NULL in part, find their rows", async () => {
  const remote = await syncRemote(
    "CREATE TABLE k(a TEXT, b TEXT, v, PRIMARY KEY(a, b)); INSERT INTO k VALUES ('x', 'y', 1), ('p', 'q', 2), ('d', 'd', 3), ('n', NULL, 4)",
  );
  const db = await remote.replica();
  await db.exec(
    "UPDATE k SET a = 'z' WHERE a = 'x'; UPDATE k SET v = 20 WHERE b = 'q'; DELETE FROM k WHERE a = 'd'; UPDATE k SET v = 40 WHERE b IS NULL",
  );
  await settled(remote, db, "SELECT * FROM k ORDER BY a, b");
  expect(remote.rows("SELECT * FROM k ORDER BY a")).toEqual([
    ["n", null, 40],
    ["p", "q", 20],
    ["z", "y", 1],
  ]);
});

it("W13: a row id that is a column may change, and pushes and pulls go on", async () => {
  const remote = await syncRemote(
    "CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 'a'), (2, 'b')",
  );
  const db = await remote.replica();
  await db.exec("UPDATE t SET id = 10 WHERE id = 1");
  await settled(remote, db, "SELECT * FROM t");
  await db.exec("UPDATE t SET id = id + 100");
  await settled(remote, db, "SELECT * FROM t");
  expect(remote.rows("SELECT * FROM t")).toEqual([
    [102, "b"],
    [110, "a"],
  ]);
});

it("W14: rows of tables without a key are never taken for those of another replica", async () => {
  const remote = await syncRemote("CREATE TABLE log(m, n)");
  const one = await remote.replica();
  const two = await remote.replica();
  await one.exec("INSERT INTO log VALUES ('one', 1)");
  await two.exec("INSERT INTO log VALUES ('two', 1)");
  await one.push();
  await two.exec("UPDATE log SET n = 2");
  await two.push();
  expect(remote.rows("SELECT m, n FROM log ORDER BY m")).toEqual([
    ["one", 1],
    ["two", 2],
  ]);
  await two.pull();
  await two.exec("DELETE FROM log WHERE m = 'two'");
  await two.push();
  await one.pull();
  expect(await rowsOf(one, "SELECT m, n FROM log")).toEqual([["one", 1]]);
  await one.exec("UPDATE log SET m = 'mine'");
  remote.exec("DELETE FROM log; INSERT INTO log VALUES ('of another', 1)");
  await one.push();
  await one.pull();
  expect(await rowsOf(one, "SELECT m, n FROM log")).toEqual([["of another", 1]]);
});

describe("W19: effects of triggers", () => {
  const SCHEMA = `CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE audit(id INTEGER PRIMARY KEY, what);
    CREATE TABLE total(id INTEGER PRIMARY KEY, n); INSERT INTO total VALUES (1, 0);
    CREATE TRIGGER added AFTER INSERT ON t BEGIN
      INSERT INTO audit(what) VALUES (new.v); UPDATE total SET n = n + 1;
    END`;

  it("happen once, at the remote and in every replica", async () => {
    const remote = await syncRemote(SCHEMA);
    const one = await remote.replica();
    const two = await remote.replica();
    await one.exec("INSERT INTO t VALUES (1, 'a')");
    await two.exec("INSERT INTO t VALUES (2, 'b')");
    await one.push();
    await two.pull();
    expect(await rowsOf(two, "SELECT n FROM total")).toEqual([[2]]);
    await two.push();
    for (const db of [one, two]) await settled(remote, db, "SELECT what, n FROM audit, total ORDER BY what");
    expect(remote.rows("SELECT count(*), max(n) FROM audit, total")).toEqual([[2, 2]]);
  });

  it("of foreign keys reach a remote that does not enforce them", async () => {
    const remote = await syncRemote(
      "CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE); INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (1, 1), (2, 2)",
    );
    const db = await remote.replica();
    await db.exec("PRAGMA foreign_keys = ON");
    await db.exec("DELETE FROM p WHERE id = 1");
    await settled(remote, db, "SELECT * FROM c");
    expect(remote.rows("SELECT id FROM c")).toEqual([[2]]);
  });
});

it("W20: losing the newest write to any one of its files never mixes two states of a replica", async () => {
  const remote = await syncRemote(LARGE);
  const path = join(remote.directory, "local.db");
  const options = { ...partial(4096), path };
  const files = (): string[] =>
    readdirSync(remote.directory).filter((name) => name.startsWith("local.db") && !name.endsWith("-lock"));
  let db = await remote.replica(options);
  await db.exec("UPDATE t SET v = 'mine' WHERE id = 10");
  await db.checkpoint();
  await db.close();
  const saved = new Map(files().map((name) => [name, readFileSync(join(remote.directory, name))]));
  remote.exec("UPDATE t SET v = 'theirs' WHERE id IN (1, 11, 1000)");
  db = await remote.replica(options);
  await db.pull();
  await db.close();
  const after = new Map(files().map((name) => [name, readFileSync(join(remote.directory, name))]));
  // The whole state of before the pull is a valid replica; so is the one after it.
  for (const state of [saved, after]) {
    for (const name of files()) {
      const bytes = state.get(name);
      if (bytes !== undefined) writeFileSync(join(remote.directory, name), bytes);
    }
    db = await remote.replica(options);
    await db.pull();
    expect(await rowsOf(db, "SELECT v FROM t WHERE id IN (1, 10, 11, 1000)")).toEqual([
      ["theirs"],
      ["mine"],
      ["theirs"],
      ["theirs"],
    ]);
    expect(await rowsOf(db, "PRAGMA integrity_check")).toEqual([["ok"]]);
    await db.close();
  }
});

describe("W21: what lies at the path already", () => {
  it("is left alone if it is another database", async () => {
    const remote = await syncRemote(LARGE);
    const path = join(remote.directory, "other.db");
    const other = new DatabaseSync(path);
    other.exec("CREATE TABLE precious(x); INSERT INTO precious VALUES (1)");
    other.close();
    const before = readFileSync(path);
    await expect(remote.replica({ path })).rejects.toMatchObject({ code: "NOT_A_REPLICA" });
    expect(readFileSync(path)).toEqual(before);
    expect(existsSync(`${path}-info`)).toBe(false);
  });

  it("is not mixed with a log that another database left there", async () => {
    const remote = await syncRemote(LARGE);
    const path = join(remote.directory, "local.db");
    const other = new DatabaseSync(join(remote.directory, "other.db"));
    other.exec("PRAGMA journal_mode=WAL; CREATE TABLE precious(x); INSERT INTO precious VALUES (1)");
    copyFileSync(join(remote.directory, "other.db-wal"), `${path}-wal`);
    other.close();
    const opening = remote.replica({ path });
    const outcome = await opening.then(
      async (db) => rowsOf(db, "SELECT count(*) FROM t"),
      (error: { code: string }) => error.code,
    );
    expect([[[2000]], "NOT_A_REPLICA", "REPLICA_CORRUPT"]).toContainEqual(outcome);
  });

  it("is completed if a bootstrap was interrupted", async () => {
    const remote = await syncRemote(LARGE);
    const path = join(remote.directory, "local.db");
    let left = 2;
    remote.intercept = async (_, pass) => (left-- > 0 ? pass() : Promise.reject(new TypeError("gone")));
    await expect(remote.replica({ path, pullBytesThreshold: 65_536 })).rejects.toMatchObject({
      code: "NETWORK",
    });
    remote.intercept = undefined;
    const db = await remote.replica({ path, pullBytesThreshold: 65_536 });
    const { networkReceivedBytes, pageCount } = await db.stats();
    // The first two requests brought 16 pages each.
    expect(networkReceivedBytes).toBeLessThan((pageCount - 30) * 4110);
    expect(db.health().local.complete).toBe(true);
    expect(await rowsOf(db, "SELECT count(*) FROM t")).toEqual([[2000]]);
  });
});
