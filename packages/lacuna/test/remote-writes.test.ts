import { describe, expect, it, onTestFinished } from "vitest";
import { Database } from "../src/index.ts";
import { mayWrite } from "../src/remote-writes/writes.ts";
import { rowsOf, syncRemote } from "./sync-remote.ts";

const TABLE = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT UNIQUE)";
const ALL = "SELECT id, v FROM t ORDER BY id";

describe("writes at the remote", () => {
  it("are there and here when the call resolves, and nothing is left to push", async () => {
    const remote = await syncRemote(TABLE);
    const db = await remote.replica({ remoteWrites: true });
    await db.exec("INSERT INTO t VALUES (1, 'a'); INSERT INTO t VALUES (2, 'b')");
    expect(remote.rows(ALL)).toEqual([
      [1, "a"],
      [2, "b"],
    ]);
    const insert = await db.prepare("INSERT INTO t VALUES (:id, :v) RETURNING id");
    expect(await insert.all({ ":id": 3, ":v": "c" })).toEqual([{ id: 3 }]);
    expect(await db.run("DELETE FROM t WHERE id < ?", 3)).toMatchObject({ changes: 2 });
    expect(await rowsOf(db, ALL)).toEqual([[3, "c"]]);
    expect(await db.pending()).toEqual([]);
  });

  it("are refused in SQLite's words", async () => {
    const remote = await syncRemote(`${TABLE}; INSERT INTO t VALUES (1, 'a')`);
    const db = await remote.replica({ remoteWrites: true });
    await expect(db.exec("INSERT INTO t VALUES (2, 'a')")).rejects.toMatchObject({
      code: "SQL",
      sqliteCode: "SQLITE_CONSTRAINT_UNIQUE",
      message: "UNIQUE constraint failed: t.v",
    });
    await expect(db.prepare("SELECT * FROM absent")).rejects.toThrow("no such table: absent");
  });

  it("are read where they are inside of a transaction, and gone when it is rolled back", async () => {
    const remote = await syncRemote(TABLE);
    const db = await remote.replica({ remoteWrites: true });
    await db.exec("BEGIN");
    await db.run("INSERT INTO t VALUES (1, 'a')");
    expect(db.inTransaction).toBe(true);
    expect(await db.all("SELECT id FROM t")).toEqual([{ id: 1 }]);
    expect(remote.rows(ALL)).toEqual([]);
    await db.exec("ROLLBACK");
    expect(db.inTransaction).toBe(false);
    expect(await rowsOf(db, ALL)).toEqual([]);
    await db.transaction(async () => {
      await db.run("INSERT INTO t VALUES (2, 'b')");
      await db.run("INSERT INTO t VALUES (3, 'c')");
    })();
    await expect(
      db.transaction(async () => {
        await db.run("INSERT INTO t VALUES (4, 'd')");
        throw new Error("no");
      })(),
    ).rejects.toThrow("no");
    await db.batch(
      ["INSERT INTO t VALUES (5, 'e')", { sql: "UPDATE t SET v = ? WHERE id = 2", args: ["z"] }],
      "immediate",
    );
    expect(await rowsOf(db, ALL)).toEqual([
      [2, "z"],
      [3, "c"],
      [5, "e"],
    ]);
    expect(remote.rows(ALL)).toEqual(await rowsOf(db, ALL));
  });

  it("are those of every statement of a text, also behind one that reads", async () => {
    const remote = await syncRemote(TABLE);
    const db = await remote.replica({ remoteWrites: true });
    await db.exec("SELECT 1; INSERT INTO t VALUES (1, 'a')");
    expect(remote.rows(ALL)).toEqual([[1, "a"]]);
    expect(await db.pending()).toEqual([]);
  });

  it("go into tables that their transaction made", async () => {
    const remote = await syncRemote(TABLE);
    const db = await remote.replica({ remoteWrites: true });
    await db.transaction(async () => {
      await db.exec("CREATE TABLE made(x)");
      await db.run("INSERT INTO made VALUES (?)", 1);
    })();
    await db.batch(["CREATE TABLE other(x)", { sql: "INSERT INTO other VALUES (?)", args: [2] }], "deferred");
    expect(remote.rows("SELECT x FROM made UNION ALL SELECT x FROM other")).toEqual([[1], [2]]);
    expect(await rowsOf(db, "SELECT x FROM made")).toEqual([[1]]);
  });

  it("take the values that the statement takes here, and no others", async () => {
    const remote = await syncRemote(TABLE);
    const db = await remote.replica({ remoteWrites: true });
    const insert = "INSERT INTO t VALUES (?, ?)";
    const misfit = { code: "INVALID_OPTION", message: "the statement has 2 parameters, got 1 value" };
    await expect(db.run(insert, 1)).rejects.toMatchObject(misfit);
    await expect(db.batch([{ sql: insert, args: [1] }])).rejects.toMatchObject(misfit);
    const statement = await db.prepare(insert);
    await expect(statement.run(1)).rejects.toMatchObject(misfit);
    const bound = statement.bind(2, "b");
    await expect(bound.run(3, "c")).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await bound.run();
    expect(remote.rows(ALL)).toEqual([[2, "b"]]);
    statement.close();
    await expect(statement.run()).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("give integers as they were asked for", async () => {
    const remote = await syncRemote(TABLE);
    const db = new Database({
      path: ":memory:",
      url: "http://server",
      remote: "sync-server",
      fetch: remote.fetch,
      remoteWrites: true,
    }).defaultSafeIntegers();
    onTestFinished(() => db.close());
    const insert = "INSERT INTO t VALUES (?, NULL) RETURNING id";
    expect(await db.get(insert, 1)).toEqual({ id: 1n });
    expect((await db.run("DELETE FROM t")).lastInsertRowid).toBeTypeOf("bigint");
    db.defaultSafeIntegers(false);
    expect(await db.get(insert, 2)).toEqual({ id: 2 });
    expect(await db.with({ safeIntegers: true }).get(insert, 3)).toEqual({ id: 3n });
    const statement = (await db.prepare(insert)).with({ safeIntegers: true });
    expect(await statement.get(4)).toEqual({ id: 4n });
    const [result] = await db.batch([{ sql: insert, args: [5] }], { safeIntegers: true });
    expect(result).toMatchObject({ rows: [{ id: 5n }], lastInsertRowid: 5n });
  });

  it("are all or nothing also when an answer is lost between them", async () => {
    const remote = await syncRemote(TABLE);
    const db = await remote.replica({ remoteWrites: true });
    const cut = db.transaction(async () => {
      await db.run("INSERT INTO t VALUES (1, 'a')");
      remote.offline = true;
      await db.run("INSERT INTO t VALUES (2, 'b')").catch(() => {});
      remote.offline = false;
      await db.run("INSERT INTO t VALUES (3, 'c')").catch(() => {});
    });
    await expect(cut()).rejects.toMatchObject({ code: "SQL", sqliteCode: "SQLITE_ABORT_ROLLBACK" });
    expect(remote.rows(ALL)).toEqual([]);
  });

  it("say so when they happened and only what they did could not be pulled", async () => {
    const remote = await syncRemote(TABLE);
    const db = await remote.replica({ remoteWrites: true });
    remote.intercept = async (request, pass) => {
      if (request.url.includes("pull")) throw new TypeError("down");
      return pass();
    };
    await expect(db.run("INSERT INTO t VALUES (1, 'a')")).rejects.toMatchObject({
      code: "NETWORK",
      message: expect.stringContaining("it was done at the remote"),
    });
    expect(remote.rows(ALL)).toEqual([[1, "a"]]);
  });

  it("are ended by a signal also while they wait for their turn, and while what they did is pulled", async () => {
    const remote = await syncRemote(TABLE);
    const db = await remote.replica({ remoteWrites: true });
    const pulling = Promise.withResolvers<void>();
    remote.intercept = async (request, pass) => {
      if (!request.url.includes("pull")) return pass();
      pulling.resolve();
      return new Promise((_, reject) =>
        request.signal.addEventListener("abort", () => reject(request.signal.reason)),
      );
    };
    const [first, second] = [new AbortController(), new AbortController()];
    const under = ({ signal }: AbortController) => db.with({ signal });
    const one = expect(under(first).run("INSERT INTO t VALUES (1, 'a')")).rejects.toThrow("enough");
    await pulling.promise;
    const two = expect(under(second).run("INSERT INTO t VALUES (2, 'b')")).rejects.toThrow("enough");
    second.abort(new Error("enough"));
    await two;
    first.abort(new Error("enough"));
    await one;
    expect(remote.rows(ALL)).toEqual([[1, "a"]]);
  });
});

it.each([
  ["SELECT 1", false],
  ["  -- note\n select 1", false],
  ["WITH a AS (SELECT 1) SELECT * FROM a", false],
  ["WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a", true],
  ["PRAGMA user_version", false],
  ["PRAGMA user_version = 1", true],
  ["EXPLAIN DELETE FROM t", false],
  ["INSERT INTO t VALUES (1)", true],
  ["BEGIN", true],
  ["'", true],
  ["", false],
  ["SELECT ';'; DELETE FROM t", true],
  [";; SELECT 1 ; -- DELETE\n ; VALUES (1);", false],
])("whether %j may write is told from its words", (sql, writes) => {
  expect(mayWrite(sql)).toBe(writes);
});
