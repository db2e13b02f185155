import { describe, expect, it } from "vitest";
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
])("whether %j may write is told from its words", (sql, writes) => {
  expect(mayWrite(sql)).toBe(writes);
});
