import { join } from "node:path";
import type { PageStore } from "@lacuna/page";
import { openNodeStore } from "@lacuna/storage/node";
import { describe, expect, it } from "vitest";
import { connect, type Database } from "../src/index.ts";
import { rowsOf, type SyncRemote, syncRemote } from "./sync-remote.ts";

const TABLE = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)";
const ALL = "SELECT id, v FROM t ORDER BY id";
/** Enough rows that most pages are not held by a partial replica. */
const LARGE = `${TABLE}; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
  INSERT INTO t SELECT i, printf('%.*c', 900, 'x') FROM n`;
const PARTIAL = {
  partialSync: { bootstrapStrategy: { kind: "prefix", length: 4096 }, segmentSize: 4096, prefetch: false },
} as const;

const integrity = async (db: Database): Promise<unknown> =>
  (await rowsOf(db, "PRAGMA integrity_check")).flat();

async function sameAsRemote(remote: SyncRemote, db: Database, sql = ALL): Promise<void> {
  expect(await rowsOf(db, sql)).toEqual(remote.rows(sql));
  expect(await integrity(db)).toEqual(["ok"]);
}

describe.each([
  ["a full replica", {}],
  ["a partial replica", PARTIAL],
])("%s", (_, kind) => {
  it("shows its own writes at once, and brings them to the remote when it is told to", async () => {
    const remote = await syncRemote(TABLE);
    const db = await remote.replica(kind);
    await db.run("INSERT INTO t VALUES (?, ?)", 1, "a");
    expect(await rowsOf(db, ALL)).toEqual([[1, "a"]]);
    expect(remote.rows(ALL)).toEqual([]);
    await db.push();
    expect(remote.rows(ALL)).toEqual([[1, "a"]]);
    expect(await db.pending()).toEqual([]);
    expect(await db.pull()).toBe(true);
    await sameAsRemote(remote, db);
  });

  it("takes what others did, with its own unpushed writes on top", async () => {
    const remote = await syncRemote(LARGE);
    const db = await remote.replica(kind);
    await db.exec(
      "UPDATE t SET v = 'mine' WHERE id = 2000; INSERT INTO t VALUES (5000, 'mine'); DELETE FROM t WHERE id = 3",
    );
    remote.exec(
      "UPDATE t SET v = 'theirs' WHERE id IN (1, 2000, 3999); INSERT INTO t VALUES (5001, 'theirs')",
    );
    expect(await db.pull()).toBe(true);
    const some = "SELECT id, v FROM t WHERE id IN (1, 3, 2000, 3999, 5000, 5001) ORDER BY id";
    expect(await rowsOf(db, some)).toEqual([
      [1, "theirs"],
      [2000, "mine"],
      [3999, "theirs"],
      [5000, "mine"],
      [5001, "theirs"],
    ]);
    expect(await db.pull()).toBe(false);
    await db.push();
    await db.pull();
    await sameAsRemote(remote, db);
  });

  it("takes changes of the schema from both sides", async () => {
    const remote = await syncRemote(TABLE);
    const db = await remote.replica(kind);
    await db.exec(
      "ALTER TABLE t ADD COLUMN mine; INSERT INTO t VALUES (1, 'a', 'm'); CREATE TABLE ours(x PRIMARY KEY); INSERT INTO ours VALUES (1)",
    );
    remote.exec(
      "CREATE TABLE theirs(x); INSERT INTO theirs VALUES (1); CREATE INDEX i ON t(v); CREATE TABLE IF NOT EXISTS ours(x PRIMARY KEY)",
    );
    await db.pull();
    expect(await rowsOf(db, "SELECT * FROM t, theirs, ours")).toEqual([[1, "a", "m", 1, 1]]);
    await db.push();
    await db.pull();
    await sameAsRemote(remote, db, "SELECT name FROM sqlite_schema ORDER BY name");
    expect(await integrity(db)).toEqual(["ok"]);
  });

  it("keeps everything over a restart, with the network off", async () => {
    const remote = await syncRemote(TABLE);
    const path = join(remote.directory, "local.db");
    const first = await remote.replica({ ...kind, path });
    await first.exec("INSERT INTO t VALUES (1, 'a')");
    await first.push();
    await first.exec("INSERT INTO t VALUES (2, 'b')");
    await first.close();
    remote.offline = true;
    const second = await remote.replica({ ...kind, path });
    expect(await rowsOf(second, ALL)).toEqual([
      [1, "a"],
      [2, "b"],
    ]);
    expect(await second.pending()).toMatchObject([{ kind: "insert", table: "t", key: { id: 2n } }]);
    await expect(second.push()).rejects.toMatchObject({ code: "NETWORK" });
    remote.offline = false;
    await second.push();
    await second.pull();
    await sameAsRemote(remote, second);
  });

  it("is left as it was by a pull that cannot repeat a change, which is named, and goes on without it", async () => {
    const remote = await syncRemote("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT UNIQUE)");
    const db = await remote.replica(kind);
    await db.exec("INSERT INTO t VALUES (1, 'same')");
    await db.exec("INSERT INTO t VALUES (2, 'other')");
    remote.exec("INSERT INTO t VALUES (10, 'same')");
    const pulling = db.pull();
    await expect(pulling).rejects.toMatchObject({
      code: "PULL_CONFLICT",
      change: { id: "1.1", table: "t", key: { id: 1n } },
    });
    await expect(pulling).rejects.toThrow("UNIQUE constraint failed: t.v");
    expect(await rowsOf(db, ALL)).toEqual([
      [1, "same"],
      [2, "other"],
    ]);
    await expect(db.push()).rejects.toMatchObject({ code: "PUSH_REJECTED" });
    await db.discard("1.1");
    expect(await db.pull()).toBe(true);
    expect(await rowsOf(db, ALL)).toEqual([
      [2, "other"],
      [10, "same"],
    ]);
    await db.push();
    await sameAsRemote(remote, db);
  });

  it("is moved when the remote no longer has its revision, with what was not pushed", async () => {
    const remote = await syncRemote(LARGE, false);
    const db = await remote.replica(kind);
    await db.exec("INSERT INTO t VALUES (9000, 'mine')");
    remote.exec("UPDATE t SET v = 'theirs' WHERE id > 3000");
    expect(await db.pull()).toBe(true);
    expect(await rowsOf(db, "SELECT id, v FROM t WHERE id IN (3500, 9000)")).toEqual([
      [3500, "theirs"],
      [9000, "mine"],
    ]);
    await db.push();
    await db.pull();
    await sameAsRemote(remote, db);
  });

  it("has nothing twice and nothing lost when the reply to a push is lost before a pull", async () => {
    const remote = await syncRemote("CREATE TABLE log(m)");
    const db = await remote.replica(kind);
    await db.exec("INSERT INTO log VALUES ('once')");
    remote.intercept = async (_, pass) => {
      await pass();
      throw new TypeError("the connection broke");
    };
    await expect(db.push()).rejects.toMatchObject({ code: "NETWORK" });
    remote.intercept = undefined;
    await db.exec("INSERT INTO log VALUES ('later')");
    await db.pull();
    expect(await rowsOf(db, "SELECT m FROM log")).toEqual([["once"], ["later"]]);
    await db.push();
    await db.pull();
    await sameAsRemote(remote, db, "SELECT m FROM log ORDER BY m");
    expect(remote.rows("SELECT count(*) FROM log")).toEqual([[2]]);
  });
});

it("three replicas and a writer past the server come to the same", async () => {
  const remote = await syncRemote(TABLE);
  const replicas = [await remote.replica(), await remote.replica(PARTIAL), await remote.replica(PARTIAL)];
  for (let round = 0; round < 3; round++) {
    for (const [number, db] of replicas.entries()) {
      await db.exec(
        `INSERT INTO t VALUES (${round * 10 + number}, 'of ${number}'); UPDATE t SET v = v || '+' WHERE id = 0`,
      );
      if (round !== 1) await db.push();
      if (number !== 2) await db.pull();
    }
    remote.exec(`INSERT INTO t VALUES (${round + 1000}, 'past')`);
  }
  for (const db of replicas) await db.push();
  for (const db of replicas) await db.pull();
  for (const db of replicas) await sameAsRemote(remote, db);
  expect(remote.rows("SELECT count(*) FROM t")).toEqual([[12]]);
});

it("a pull of a replica that holds little costs what it holds of what changed", async () => {
  const remote = await syncRemote(LARGE);
  const db = await remote.replica(PARTIAL);
  await rowsOf(db, "SELECT v FROM t WHERE id IN (1, 2000)");
  const { residentPages, pageCount } = await db.stats();
  expect(residentPages).toBeLessThan(pageCount / 50);
  remote.exec("UPDATE t SET v = printf('%.*c', 900, 'y') WHERE id > 1990");
  const before = (await db.stats()).networkReceivedBytes;
  await db.pull();
  // Page 1 is the same but for its counters, and one leaf is held and changed.
  expect((await db.stats()).networkReceivedBytes - before).toBeLessThanOrEqual(2 * 4096 + 4096);
  expect(await rowsOf(db, "SELECT substr(v, 1, 1) FROM t WHERE id IN (1, 2000, 3000)")).toEqual([
    ["x"],
    ["y"],
    ["y"],
  ]);
});

it("a pull waits for news and can be aborted", async () => {
  const remote = await syncRemote(TABLE);
  const db = await remote.replica({ longPollTimeoutMs: 60_000 });
  const controller = new AbortController();
  const reason = new Error("enough");
  const waiting = db.pull({ signal: controller.signal });
  await expect.poll(() => remote.asked.length).toBe(2);
  await db.exec("INSERT INTO t VALUES (1, 'meanwhile')");
  controller.abort(reason);
  await expect(waiting).rejects.toBe(reason);
  const second = db.pull();
  await expect.poll(() => remote.asked.length).toBe(3);
  await db.push();
  expect(await second).toBe(true);
  await sameAsRemote(remote, db);
});

it("a replica that begins before its remote is known keeps what it wrote", async () => {
  const remote = await syncRemote(`${TABLE}; INSERT INTO t VALUES (1, 'theirs')`);
  let url: string | null = null;
  const db = await remote.replica({ url: () => url, remote: undefined });
  await db.exec("CREATE TABLE mine(x PRIMARY KEY); INSERT INTO mine VALUES ('kept')");
  await expect(db.pull()).rejects.toThrow("the URL is empty: the remote is paused");
  await expect(db.push()).rejects.toThrow("the URL is empty: the remote is paused");
  url = "http://server";
  expect(await db.pull()).toBe(true);
  expect(await rowsOf(db, "SELECT x, v FROM mine, t")).toEqual([["kept", "theirs"]]);
  await db.push();
  expect(remote.rows("SELECT x FROM mine")).toEqual([["kept"]]);
});

it("a replica whose knowledge of its pushes is damaged is refused as corrupt, and let go", async () => {
  const remote = await syncRemote(TABLE);
  const path = join(remote.directory, "local.db");
  await (await remote.replica({ path })).close();
  for (const sync of ["{", "null", '{"client":"c"}']) {
    const store = await openNodeStore({ path });
    await store.setMeta({ ...store.meta(), sync });
    await store.close();
    await expect(remote.replica({ path })).rejects.toMatchObject({ code: "REPLICA_CORRUPT" });
  }
});

it("a replica that begins before its remote is known survives a crash at any step of its making", async () => {
  const remote = await syncRemote(TABLE);
  for (let step = 1; step <= 4; step++) {
    const path = join(remote.directory, `local-${step}.db`);
    let left = step;
    const dying: ProxyHandler<PageStore> = {
      get(store, name) {
        const value: unknown = Reflect.get(store, name);
        if (typeof value !== "function") return value;
        if (!["reset", "setMeta", "openFile"].includes(String(name))) return value.bind(store);
        return async (...given: unknown[]) => {
          if (--left < 0) throw new Error("the process ended");
          return (value as (...given: unknown[]) => unknown).apply(store, given);
        };
      },
    };
    const store = new Proxy(await openNodeStore({ path }), dying);
    await remote.replica({ store, url: () => null }).catch(() => {});
    await store.close();
    const db = await remote.replica({ path });
    await db.run("CREATE TABLE IF NOT EXISTS t(id INTEGER PRIMARY KEY, v TEXT)");
    await db.run("INSERT INTO t VALUES (?, 'mine')", step);
    await db.push();
    expect(remote.rows(`SELECT id FROM t WHERE id = ${step}`)).toEqual([[step]]);
    await db.close();
  }
});

it("a local database needs no remote, and says so", async () => {
  const db = await connect({ path: ":memory:" });
  await db.exec(`${TABLE}; INSERT INTO t VALUES (1, 'a')`);
  expect(await rowsOf(db, ALL)).toEqual([[1, "a"]]);
  await expect(db.push()).rejects.toThrow("sync is disabled as database was opened without sync support");
  expect(await db.pending()).toEqual([]);
  await db.close();
});

it("a local database cannot become a replica, and is left as it is", async () => {
  const remote = await syncRemote(TABLE);
  const path = join(remote.directory, "local.db");
  const local = await connect({ path });
  await local.exec("CREATE TABLE mine(x); INSERT INTO mine VALUES ('kept')");
  await local.close();
  await expect(remote.replica({ path })).rejects.toMatchObject({ code: "INVALID_OPTION" });
  const again = await connect({ path });
  expect(await rowsOf(again, "SELECT x FROM mine")).toEqual([["kept"]]);
  await again.close();
});

it("a replica may be written to without its remote, and pushed with it later", async () => {
  const remote = await syncRemote(TABLE);
  const path = join(remote.directory, "local.db");
  await (await remote.replica({ path })).close();
  const alone = await connect({ path });
  await alone.exec("INSERT INTO t VALUES (1, 'alone')");
  await alone.close();
  const db = await remote.replica({ path });
  await db.push();
  expect(remote.rows(ALL)).toEqual([[1, "alone"]]);
});

it("tells of what happens, and how it is", async () => {
  const remote = await syncRemote(TABLE);
  const db = await remote.replica();
  const told: unknown[] = [];
  const ends = (["change", "push", "pull", "fetch"] as const).map((name) =>
    db.on(name, (event) => told.push([name, event])),
  );
  await db.exec("INSERT INTO t VALUES (1, 'a')");
  expect(db.health()).toMatchObject({
    local: { open: true, complete: true, pending: 1 },
    sync: { enabled: true, active: [] },
  });
  expect((await db.stats()).cdcOperations).toBe(1);
  await db.push();
  await db.pull();
  for (const end of ends) end();
  await db.exec("INSERT INTO t VALUES (2, 'b')");
  expect(told).toEqual([
    ["change", { from: "local" }],
    ["fetch", { method: "POST", url: "http://server/v2/pipeline", status: 200 }],
    ["push", { transactions: 1, statements: 1 }],
    ["fetch", { method: "POST", url: "http://server/pull-updates", status: 200 }],
    ["pull", { changed: true }],
    ["change", { from: "remote" }],
  ]);
  expect(await db.stats()).toMatchObject({
    lastPushUnixTime: expect.any(Number),
    lastPullUnixTime: expect.any(Number),
    revertWalSize: 0,
  });
});

it("a transform decides about each change, here and at the remote", async () => {
  const remote = await syncRemote(
    "CREATE TABLE count(id INTEGER PRIMARY KEY, n INT); INSERT INTO count VALUES (1, 0), (2, 0)",
  );
  const replica = (): Promise<Database> =>
    remote.replica({
      transform: ({ tableName, changeType, before, after, id }) => {
        if (tableName !== "count" || changeType !== "update") return null;
        if (id === 2) return { operation: "skip" };
        const added = Number(after?.["n"]) - Number(before?.["n"]);
        return {
          operation: "rewrite",
          stmt: { sql: "UPDATE count SET n = n + ? WHERE id = ?", values: [added, id] },
        };
      },
    });
  const [one, two] = [await replica(), await replica()];
  await one.exec("UPDATE count SET n = n + 5");
  await two.exec("UPDATE count SET n = n + 3");
  await one.push();
  await two.pull();
  expect(await rowsOf(two, "SELECT n FROM count")).toEqual([[8], [0]]);
  await two.push();
  expect(remote.rows("SELECT n, typeof(n) FROM count")).toEqual([
    [8, "integer"],
    [0, "integer"],
  ]);
});

it("names of the client of Turso and of Lacuna are the same", async () => {
  const lacuna = await import("../src/index.ts");
  for (const name of ["connect", "Database", "retryFetch"]) expect(lacuna).toHaveProperty(name);
  const db = new lacuna.Database({ path: ":memory:" });
  // The first statement connects.
  const statement = await db.prepare("SELECT 1 AS one");
  expect(await statement.all()).toEqual([{ one: 1 }]);
  for (const name of [
    "connect",
    "pull",
    "push",
    "checkpoint",
    "stats",
    "prepare",
    "exec",
    "run",
    "get",
    "all",
    "iterate",
    "batch",
    "transaction",
    "transactionAsync",
    "pragma",
    "defaultSafeIntegers",
    "close",
  ]) {
    expect(typeof Reflect.get(db, name)).toBe("function");
  }
  for (const name of ["name", "open", "memory", "readonly", "inTransaction"]) expect(name in db).toBe(true);
  await db.close();
});
