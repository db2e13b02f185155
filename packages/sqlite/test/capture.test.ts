import { expect, it } from "vitest";
import { type CapturedItem, type CapturedTransaction, openSqlite } from "../src/index.ts";
import { makeDatabase } from "./bytes-source.ts";
import { describeDrivers } from "./drivers.ts";
import { MemorySource } from "./memory-source.ts";

const bytes = makeDatabase((db) =>
  db.exec(`CREATE TABLE t(a INTEGER PRIMARY KEY, b); CREATE TABLE plain(x, y); CREATE TABLE log(a);
    CREATE TRIGGER t_log AFTER DELETE ON t BEGIN INSERT INTO log VALUES (old.a); END;
    CREATE VIEW v AS SELECT a FROM t;
    CREATE TRIGGER v_in INSTEAD OF INSERT ON v BEGIN INSERT INTO t VALUES (new.a, 'through the view'); END;
    INSERT INTO t VALUES (1, 'one'); INSERT INTO plain VALUES (1, 2), (3, 4)`),
);

/** What was recorded, short. */
function brief(item: CapturedItem): string {
  if (item.kind === "changeset") return `${item.bytes.length} bytes`;
  return item.kind === "ddl" ? item.sql : `${item.sql} ${JSON.stringify(item.parameters)}`;
}

describeDrivers("recording", (driver) => {
  const open = async () => {
    const source = new MemorySource(bytes);
    const recorded: CapturedTransaction[] = [];
    const capture = (transaction: CapturedTransaction) => {
      recorded.push(transaction);
      return Uint8Array.of(recorded.length);
    };
    const db = await openSqlite({ source, driver, capture });
    const items = (): string[] => recorded.splice(0).flatMap((transaction) => transaction.items.map(brief));
    return { db, source, recorded, items };
  };

  it("hands what it makes of a transaction to the source, and fails the commit if it throws", async () => {
    const source = new MemorySource(bytes);
    let fails = false;
    const capture = (): Uint8Array => {
      if (fails) throw new Error("cannot be said");
      return Uint8Array.of(7, 8);
    };
    const db = await openSqlite({ source, driver, capture });
    await db.run("INSERT INTO t VALUES (2, 'two')");
    expect(source.changes).toEqual([Uint8Array.of(7, 8)]);
    fails = true;
    await expect(db.run("INSERT INTO t VALUES (3, 'three')")).rejects.toThrow("cannot be said");
    expect(await db.get("SELECT count(*) AS n FROM t")).toEqual({ n: 2 });
    expect(source.commits).toBe(1);
    await db.close();
  });

  it("keeps the order of rows and schema changes, and leaves out what was rolled back", async () => {
    const { db, items } = await open();
    await db.exec(`BEGIN; INSERT INTO t VALUES (2, 'two'); SAVEPOINT s; CREATE TABLE gone(a); INSERT INTO gone VALUES (1);
      ROLLBACK TO s; /* here */ CREATE TABLE "new one"(a, b) ; INSERT INTO "new one" VALUES (1, 2);
      ALTER TABLE "new one" RENAME COLUMN b TO c; DROP TABLE plain; COMMIT`);
    expect(items()).toEqual([
      "22 bytes",
      'CREATE TABLE "new one"(a, b)',
      "42 bytes",
      'ALTER TABLE "new one" RENAME COLUMN b TO c',
      "DROP TABLE plain",
    ]);
    await db.exec(
      "CREATE TABLE IF NOT EXISTS t(a); DROP TABLE IF EXISTS never_made; ANALYZE; REINDEX; VACUUM",
    );
    await db.exec(
      "BEGIN; UPDATE t SET b = 'x'; UPDATE t SET b = 'one' WHERE a = 1; DELETE FROM t WHERE a = 2; ROLLBACK",
    );
    expect(items()).toEqual([]);
    await db.close();
  });

  it("marks the effects of triggers as indirect", async () => {
    const { db, recorded } = await open();
    await db.run("DELETE FROM t");
    const [item] = recorded[0]?.items ?? [];
    if (item?.kind !== "changeset") throw new Error("no changeset");
    const text = new TextDecoder("latin1").decode(item.bytes);
    // After the head of each table: the operation, and whether it was indirect.
    expect(text).toContain("t\0\x09\x00");
    expect(text).toContain("log\0\x12\x01");
    expect(item.schema.some((sql) => sql.startsWith("CREATE TRIGGER t_log"))).toBe(true);
    await db.close();
  });

  it("gives whole rows of tables without a key that were updated", async () => {
    const { db, recorded } = await open();
    await db.run("UPDATE plain SET y = 'new' WHERE x = 3");
    expect(recorded[0]?.items).toMatchObject([
      { rows: [{ table: "plain", rowid: 2n, values: [3n, "new"] }] },
    ]);
    await db.close();
  });

  it("keeps rows that are put in the place of others apart from those that are changed, and gives them whole", async () => {
    const { db, recorded } = await open();
    const partsOf = async (sql: string): Promise<unknown[]> => {
      await db.exec(`BEGIN; ${sql}; COMMIT`);
      return recorded.splice(0).flatMap(({ items }) => items.map((item) => "rows" in item && item.rows));
    };
    const whole = { table: "t", rowid: undefined, values: [1n, "put"] };
    expect(await partsOf("INSERT INTO t VALUES (5, 'five'); REPLACE INTO t VALUES (1, 'put')")).toEqual([
      [whole],
    ]);
    expect(await partsOf("UPDATE t SET b = 'x' WHERE a = 5; REPLACE INTO t VALUES (1, 'again')")).toEqual([
      [],
      [{ ...whole, values: [1n, "again"] }],
    ]);
    expect(await partsOf("DELETE FROM t WHERE a = 5; INSERT INTO t VALUES (6, 'six'), (7, 'seven')")).toEqual(
      [[], []],
    );
    expect(
      await partsOf("UPDATE t SET a = a, b = 'y'; UPDATE t SET a = 1 WHERE a = 1; DELETE FROM t"),
    ).toEqual([[]]);
    await db.close();
  });

  it("has the rows of a table made from a query", async () => {
    const { db, items, recorded } = await open();
    await db.run("CREATE TABLE copy AS SELECT x * ? AS x2, y FROM plain", 1.5);
    const [, rows] = recorded[0]?.items ?? [];
    expect(rows?.kind === "changeset" && rows.bytes.length).toBe(68);
    expect(items()[0]).toBe("CREATE TABLE copy(x2,y)");
    await db.close();
  });

  it("has statements that wrote to virtual tables and through views, with their values", async () => {
    const { db, items } = await open();
    await db.run("CREATE VIRTUAL TABLE f USING fts5(body)");
    await db.run("INSERT INTO f VALUES (?)", "it's");
    await db.run("INSERT INTO v VALUES (:a)", { a: 9 });
    await db.pragma("user_version = 4");
    await db.exec(
      "BEGIN; INSERT INTO t VALUES (10, 'x'); INSERT INTO v VALUES (11); DELETE FROM t WHERE a = 11; COMMIT",
    );
    expect(items()).toEqual([
      "CREATE VIRTUAL TABLE f USING fts5(body)",
      'INSERT INTO f VALUES (?) ["it\'s"]',
      "INSERT INTO v VALUES (:a) [9]",
      "PRAGMA user_version = 4 []",
      "20 bytes",
      "INSERT INTO v VALUES (11) []",
      "63 bytes",
    ]);
    expect(await db.get("SELECT body FROM f WHERE f MATCH 'it'")).toEqual({ body: "it's" });
    await db.close();
  });

  it("leaves bookkeeping tables out", async () => {
    const { db, items } = await open();
    await db.exec("CREATE TABLE turso_cdc(a); INSERT INTO turso_cdc VALUES (1); DROP TABLE turso_cdc");
    await db.exec("CREATE TABLE auto(a INTEGER PRIMARY KEY AUTOINCREMENT); INSERT INTO auto VALUES (5)");
    expect(items()).toEqual(["CREATE TABLE auto(a INTEGER PRIMARY KEY AUTOINCREMENT)", "19 bytes"]);
    await db.close();
  });

  it("tells whether foreign keys were enforced", async () => {
    const { db, recorded } = await open();
    await db.run("INSERT INTO t VALUES (2, 'two')");
    await db.exec("PRAGMA foreign_keys = ON; INSERT INTO t VALUES (3, 'three')");
    expect(recorded.map(({ foreignKeys }) => foreignKeys)).toEqual([false, true]);
    await db.close();
  });

  it("notices a trigger and a table that were made after a statement was compiled", async () => {
    const { db, items } = await open();
    const insert = await db.prepare("INSERT INTO plain VALUES (5, 6)");
    await insert.run();
    const drop = await db.prepare("DROP TABLE IF EXISTS later");
    await drop.run();
    items();
    await db.run("CREATE TABLE later(a)");
    await drop.run();
    expect(items()).toEqual(["CREATE TABLE later(a)", "DROP TABLE IF EXISTS later"]);
    await db.close();
  });
});
