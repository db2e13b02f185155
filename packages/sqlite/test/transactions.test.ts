import { expect, it } from "vitest";
import { openSqlite, type SqliteOptions } from "../src/index.ts";
import { makeDatabase } from "./bytes-source.ts";
import { describeDrivers } from "./drivers.ts";
import { MemorySource } from "./memory-source.ts";

const bytes = makeDatabase((db) =>
  db.exec("CREATE TABLE t(a INTEGER PRIMARY KEY, b); INSERT INTO t VALUES (1, 'one')"),
);
const COUNT = "SELECT count(*) AS n FROM t";

describeDrivers("a transaction", (driver) => {
  const open = async (options: Partial<SqliteOptions> = {}) => {
    const source = new MemorySource(bytes);
    return { source, db: await openSqlite({ source, driver, ...options }) };
  };

  it("of a function is one commit, and gives what the function gives", async () => {
    const { db, source } = await open();
    const add = db.transaction(async (from: number, to: number) => {
      for (let a = from; a <= to; a++) await db.run("INSERT INTO t VALUES (?, 'x')", a);
      return to - from + 1;
    });
    expect(await add(2, 6)).toBe(5);
    expect(await add.immediate(7, 7)).toBe(1);
    expect(await add.exclusive(8, 8)).toBe(1);
    expect(source.commits).toBe(3);
    expect(await db.get(COUNT)).toEqual({ n: 8 });
    await db.close();
    expect([source.held, source.writers]).toEqual([0, 0]);
  });

  it("of a function that throws leaves no trace", async () => {
    const { db, source } = await open();
    const fails = db.transaction(async () => {
      await db.run("INSERT INTO t VALUES (2, 'two')");
      expect(await db.get(COUNT)).toEqual({ n: 2 });
      throw new Error("no");
    });
    await expect(fails()).rejects.toThrow("no");
    expect(db.inTransaction).toBe(false);
    expect(await db.get(COUNT)).toEqual({ n: 1 });
    expect(source.commits).toBe(0);
    await db.close();
    expect([source.held, source.writers]).toEqual([0, 0]);
  });

  it("of a function inside of another one is a savepoint", async () => {
    const { db, source } = await open();
    const inner = db.transaction(async (a: number) => {
      await db.run("INSERT INTO t VALUES (?, 'inner')", a);
      if (a === 3) throw new Error("three");
    });
    const outer = db.transaction(async () => {
      await inner(2);
      await inner(3).catch(() => {});
      await inner(4);
    });
    await outer();
    expect(await db.all("SELECT a FROM t")).toEqual([{ a: 1 }, { a: 2 }, { a: 4 }]);
    expect(source.commits).toBe(1);
    await db.close();
  });

  it("keeps functions that run at the same time, and statements of others, apart and in order", async () => {
    const { db, source } = await open();
    const order: unknown[] = [];
    const slow = db.transaction(async (name: string) => {
      await db.run("INSERT INTO t(b) VALUES (?)", name);
      await new Promise((resolve) => setTimeout(resolve, 5));
      order.push(name, await db.prepare(COUNT).then((statement) => statement.pluck().get()));
    });
    const other = () => db.run("INSERT INTO t(b) VALUES ('other')").then(() => order.push("other"));
    await Promise.all([slow("first"), other(), slow("second")]);
    expect(order).toEqual(["first", 2, "other", "second", 4]);
    expect(source.commits).toBe(3);
    await db.close();
  });

  it("with its own calls keeps others out: writes wait, reads see what is committed", async () => {
    const { db } = await open();
    const seen: unknown[] = [];
    let write: Promise<unknown> | undefined;
    await db.transactionAsync(async (transaction) => {
      await transaction.run("INSERT INTO t VALUES (2, 'two')");
      seen.push(await db.get(COUNT), await transaction.get(COUNT));
      write = db.run("INSERT INTO t VALUES (3, 'three')").then(() => seen.push("written"));
      await new Promise((resolve) => setTimeout(resolve, 5));
      const prepared = await transaction.prepare("UPDATE t SET b = 'TWO' WHERE a = 2");
      expect(await prepared.run()).toMatchObject({ changes: 1 });
      seen.push("committing");
    })();
    await write;
    expect(seen).toEqual([{ n: 1 }, { n: 2 }, "committing", "written"]);
    expect(await db.all("SELECT * FROM t")).toEqual([
      { a: 1, b: "one" },
      { a: 2, b: "TWO" },
      { a: 3, b: "three" },
    ]);
    await db.close();
  });

  it("that is over does not take statements any more", async () => {
    const { db } = await open();
    const leaked = await db.transactionAsync(async (transaction) => transaction)();
    await expect(leaked.run("INSERT INTO t VALUES (2, 'two')")).rejects.toMatchObject({ code: "CLOSED" });
    await db.close();
  });

  it("whose commit fails is rolled back", async () => {
    const { db, source } = await open();
    source.failure = () => new Error("the disk is full");
    const add = db.transaction(() => db.run("INSERT INTO t VALUES (2, 'two')"));
    await expect(add()).rejects.toThrow("the disk is full");
    source.failure = undefined;
    expect(db.inTransaction).toBe(false);
    expect(await db.get(COUNT)).toEqual({ n: 1 });
    await add();
    expect(await db.get(COUNT)).toEqual({ n: 2 });
    await db.close();
  });

  it("takes its place in the queue of a source shared with another handle", async () => {
    const { db, source } = await open();
    const other = await openSqlite({ source, driver });
    const busy = await source.begin();
    const results = [
      db.run("INSERT INTO t VALUES (2, 'two')"),
      other.run("INSERT INTO t VALUES (3, 'three')"),
    ];
    await new Promise((resolve) => setTimeout(resolve, 5));
    expect(source.commits).toBe(0);
    busy.rollback();
    await Promise.all(results);
    expect(await db.get(COUNT)).toEqual({ n: 3 });
    expect(await other.get(COUNT)).toEqual({ n: 3 });
    await Promise.all([db.close(), other.close()]);
  });

  it("that read an older state than the newest cannot write, and says so", async () => {
    const { db, source } = await open();
    const other = await openSqlite({ source, driver });
    await db.exec("BEGIN");
    await db.get(COUNT);
    await other.run("INSERT INTO t VALUES (2, 'two')");
    await expect(db.run("INSERT INTO t VALUES (3, 'three')")).rejects.toMatchObject({
      sqliteCode: "SQLITE_BUSY_SNAPSHOT",
    });
    expect(await db.get(COUNT)).toEqual({ n: 1 });
    await db.exec("ROLLBACK");
    await db.run("INSERT INTO t VALUES (3, 'three')");
    expect(await db.get(COUNT)).toEqual({ n: 3 });
    await Promise.all([db.close(), other.close()]);
    expect([source.held, source.writers]).toEqual([0, 0]);
  });

  it("gives up its turn when it is aborted while it waits for it", async () => {
    const { db, source } = await open();
    const busy = await source.begin();
    const controller = new AbortController();
    const waiting = db.with({ signal: controller.signal }).run("INSERT INTO t VALUES (2, 'two')");
    setTimeout(() => controller.abort(new Error("enough")), 2);
    await expect(waiting).rejects.toThrow("enough");
    busy.rollback();
    await db.run("INSERT INTO t VALUES (2, 'two')");
    expect(await db.get(COUNT)).toEqual({ n: 2 });
    await db.close();
  });

  it("of a batch happens whole or not at all, and each statement gives its columns and rows", async () => {
    const { db, source } = await open();
    const results = await db.batch(
      [
        "CREATE TABLE u(x INT)",
        { sql: "INSERT INTO u VALUES (?), (?)", args: [1, 2] },
        "SELECT x, 5 AS five FROM u",
      ],
      { mode: "immediate", raw: true },
    );
    expect(results[1]).toMatchObject({ rowsAffected: 2, rows: [] });
    expect(results[2]).toMatchObject({
      columns: ["x", "five"],
      columnTypes: ["INT", ""],
      rows: [
        [1, 5],
        [2, 5],
      ],
      rowsAffected: 0,
    });
    expect(source.commits).toBe(1);
    const failing = db.batch(["INSERT INTO u VALUES (3)", "INSERT INTO t VALUES (1, 'again')"], "deferred");
    await expect(failing).rejects.toMatchObject({ sqliteCode: "SQLITE_CONSTRAINT_PRIMARYKEY" });
    expect(await db.get("SELECT count(*) AS n FROM u")).toEqual({ n: 2 });
    await expect(db.batch(["INSERT INTO u VALUES (3)", "nonsense"])).rejects.toThrow("syntax error");
    expect(await db.get("SELECT count(*) AS n FROM u")).toEqual({ n: 3 });
    await expect(db.batch([], "sometimes" as "deferred")).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await db.close();
  });
});
