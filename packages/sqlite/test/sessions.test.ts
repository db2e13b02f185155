import { DatabaseSync } from "node:sqlite";
import { expect, it } from "vitest";
import { makeDatabase } from "./bytes-source.ts";
import { describeDrivers, openBytes } from "./drivers.ts";

const make = (value: string, rows: number) =>
  makeDatabase((db) =>
    db.exec(`PRAGMA page_size = 1024; CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
        INSERT INTO t SELECT i, '${value} ' || i FROM n;`),
  );
const old = make("old", 3000);
const COUNT = "SELECT count(*) AS n, max(v) AS v FROM t";

describeDrivers("a session", (driver) => {
  it("runs statements in the order they were issued once one may begin a transaction", async () => {
    const { db } = await openBytes(old, driver);
    const results = await Promise.all([
      db.exec("BEGIN"),
      db.run("CREATE TEMP TABLE note(a)"),
      db.run("INSERT INTO note SELECT v FROM t WHERE id < ?", 5),
      db.all("SELECT a FROM note ORDER BY a"),
      db.get(COUNT),
      db.run("DELETE FROM note WHERE a = 'old 2'"),
      db.get("SELECT changes() AS c, last_insert_rowid() AS r"),
      db.exec("COMMIT"),
      db.get("SELECT count(*) AS n FROM note"),
    ]);
    expect(results.slice(2)).toEqual([
      { changes: 4, lastInsertRowid: 4 },
      ["old 1", "old 2", "old 3", "old 4"].map((a) => ({ a })),
      { n: 3000, v: "old 999" },
      { changes: 1, lastInsertRowid: 4 },
      { c: 1, r: 4 },
      undefined,
      { n: 3 },
    ]);
    expect(db.inTransaction).toBe(false);
    await db.close();
  });

  it("lets a statement that writes and gives rows happen whole inside a transaction", async () => {
    const { db } = await openBytes(old, driver);
    await db.exec("BEGIN; CREATE TEMP TABLE note(a)");
    const insert = "INSERT INTO note SELECT v FROM t WHERE id <= 50 RETURNING a";
    expect(await db.get(insert)).toEqual({ a: "old 1" });
    for await (const { a } of db.iterate(insert)) {
      expect(a).toBe("old 1");
      break;
    }
    await db.exec("COMMIT");
    expect(await db.get("SELECT count(*) AS n FROM note")).toEqual({ n: 100 });
    await db.close();
  });

  it("plans with the statistics of the database, though they were not there at first", async () => {
    const build = (analyze: string) =>
      makeDatabase((next) =>
        next.exec(`PRAGMA page_size = 512; CREATE TABLE s(id INTEGER PRIMARY KEY, few, many);
          CREATE INDEX s_few ON s(few); CREATE INDEX s_many ON s(many);
          WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000)
            INSERT INTO s SELECT i, i % 2, i FROM n; ${analyze}`),
      );
    const plan = "EXPLAIN QUERY PLAN SELECT id FROM s WHERE few = 1 AND many = 7";
    const plans: string[] = [];
    for (const analyze of [
      "",
      "ANALYZE",
      "ANALYZE; UPDATE sqlite_stat1 SET stat = '1000 900' WHERE idx = 's_many'",
    ]) {
      const bytes = build(analyze);
      const authority = new DatabaseSync(":memory:");
      authority.deserialize(bytes);
      const { db } = await openBytes(bytes, driver);
      expect(await db.all(plan)).toEqual(
        authority
          .prepare(plan)
          .all()
          .map((row) => ({ ...row })),
      );
      plans.push(String((await db.get(plan))?.["detail"]));
      await db.close();
    }
    expect(new Set(plans).size).toBe(2);
  });

  it("keeps what a transaction sees while the database moves on", async () => {
    const { db, source } = await openBytes(old, driver);
    await db.exec("BEGIN");
    expect(db.inTransaction).toBe(true);
    expect(await db.get(COUNT)).toEqual({ n: 3000, v: "old 999" });
    source.replace(make("new", 2000), "r2");
    expect(await db.get(COUNT)).toEqual({ n: 3000, v: "old 999" });
    expect(await db.get("SELECT v FROM t WHERE id = 1500")).toEqual({ v: "old 1500" });
    await db.exec("ROLLBACK");
    expect(await db.get(COUNT)).toEqual({ n: 2000, v: "new 999" });
    await db.close();
    expect(source.held).toBe(0);
  });

  it("shows the newest revision even if it differs in nothing SQLite looks at", async () => {
    const { db, source } = await openBytes(old, driver);
    const statement = await db.prepare("SELECT v FROM t WHERE id = 7");
    expect(await statement.get()).toEqual({ v: "old 7" });
    for (const [round, value] of ["new", "old", "odd"].entries()) {
      const next = make(value, 3000);
      expect(next.slice(24, 44)).toEqual(old.slice(24, 44));
      source.replace(next, `r${round + 2}`);
      expect(await statement.get()).toEqual({ v: `${value} 7` });
      expect(await db.all("SELECT v FROM t WHERE id > 2998")).toEqual([
        { v: `${value} 2999` },
        { v: `${value} 3000` },
      ]);
    }
    await db.close();
  });

  it("follows a revision with another schema, and one with another page size", async () => {
    const { db, source } = await openBytes(old, driver);
    const statement = await db.prepare("SELECT * FROM t WHERE id = 7");
    expect(await statement.get()).toEqual({ id: 7, v: "old 7" });
    source.replace(
      makeDatabase((next) =>
        next.exec(`CREATE TABLE t(id INTEGER PRIMARY KEY, added, v TEXT, more);
          INSERT INTO t VALUES (7, 1.5, 'seven', x'07'), (8, NULL, 'eight', NULL)`),
      ),
      "r2",
    );
    expect(await statement.get()).toEqual({ id: 7, added: 1.5, v: "seven", more: Uint8Array.of(7) });
    expect(await statement.raw().all()).toEqual([[7, 1.5, "seven", Uint8Array.of(7)]]);
    expect(await db.pragma("page_size")).toEqual([{ page_size: 4096 }]);
    source.replace(
      makeDatabase((next) => next.exec("CREATE TABLE u(a)")),
      "r3",
    );
    await expect(statement.get()).rejects.toMatchObject({ message: "no such table: t" });
    await db.close();
  });

  it("keeps its temporary tables when the revision changes", async () => {
    const { db, source } = await openBytes(old, driver);
    await db.exec("CREATE TEMP TABLE mine AS SELECT id FROM t WHERE id < 4");
    source.replace(make("new", 3000), "r2");
    expect(await db.all("SELECT v FROM t JOIN mine USING (id) ORDER BY id")).toEqual([
      { v: "new 1" },
      { v: "new 2" },
      { v: "new 3" },
    ]);
    await db.exec("DROP TABLE mine");
    await expect(db.get("SELECT * FROM mine")).rejects.toMatchObject({ message: "no such table: mine" });
    await db.close();
  });

  it("gives an open iterator the rows of its own revision", async () => {
    const { db, source } = await openBytes(old, driver, { readers: 1 });
    const rows = db.iterate<{ v: string }>("SELECT v FROM t ORDER BY id LIMIT 2500");
    await rows.next();
    source.replace(make("new", 3000), "r2");
    expect(await db.get("SELECT v FROM t WHERE id = 7")).toEqual({ v: "new 7" });
    const seen = new Set<string>();
    let count = 1;
    for await (const { v } of { [Symbol.asyncIterator]: () => rows }) {
      seen.add(v.slice(0, 3));
      count++;
    }
    expect([...seen]).toEqual(["old"]);
    expect(count).toBe(2500);
    await db.close();
    expect(source.held).toBe(0);
  });

  it("refuses to write to the database", async () => {
    const { db } = await openBytes(old, driver);
    for (const sql of [
      "INSERT INTO t VALUES (9000, 'x')",
      "WITH n(i) AS (SELECT 9000) INSERT INTO t SELECT i, 'x' FROM n",
      "CREATE TABLE u(a)",
      "DROP TABLE t",
      "UPDATE t SET v = 1",
    ]) {
      const refusal = { code: "SQL", sqliteCode: "SQLITE_READONLY", resultCode: 8 };
      await expect(db.run(sql)).rejects.toMatchObject(refusal);
      await expect(db.exec(sql)).rejects.toMatchObject(refusal);
      await expect((await db.prepare(sql)).all()).rejects.toMatchObject(refusal);
      await expect(db.iterate(sql).next()).rejects.toMatchObject(refusal);
    }
    expect(await db.get(COUNT)).toEqual({ n: 3000, v: "old 999" });
    await db.close();
  });

  it("opens no other file", async () => {
    const { db } = await openBytes(old, driver);
    for (const name of ["other.db", "/lacuna", "file:/lacuna?vfs=unix"]) {
      await expect(db.exec(`ATTACH '${name}' AS other`)).rejects.toMatchObject({
        sqliteCode: "SQLITE_CANTOPEN",
      });
    }
    await db.exec(
      "ATTACH ':memory:' AS aux; CREATE TABLE aux.t2(a); INSERT INTO aux.t2 SELECT v FROM t LIMIT 3",
    );
    expect(await db.all("SELECT count(*) AS n FROM t2")).toEqual([{ n: 3 }]);
    await db.exec("DETACH aux");
    expect(await db.get(COUNT)).toEqual({ n: 3000, v: "old 999" });
    await db.close();
  });

  it("applies settings to whatever runs a statement", async () => {
    const { db } = await openBytes(old, driver);
    expect(await db.get("SELECT count(*) AS n FROM t WHERE v LIKE 'OLD 1%'")).toEqual({ n: 1111 });
    await db.pragma("case_sensitive_like = ON");
    expect(await db.get("SELECT count(*) AS n FROM t WHERE v LIKE 'OLD 1%'")).toEqual({ n: 0 });
    await db.exec(
      "PRAGMA case_sensitive_like = OFF; PRAGMA busy_timeout = 5000; PRAGMA locking_mode = EXCLUSIVE",
    );
    expect(await db.get("SELECT count(*) AS n FROM t WHERE v LIKE 'OLD 1%'")).toEqual({ n: 1111 });
    expect(await db.pragma("table_info(t)")).toMatchObject([{ name: "id" }, { name: "v" }]);
    await db.close();
  });

  it("reads double-quoted strings only when told to", async () => {
    const strict = await openBytes(old, driver);
    await expect(strict.db.get('SELECT "text" AS x')).rejects.toThrow('no such column: "text"');
    await strict.db.close();
    const lax = await openBytes(old, driver, { doubleQuotedStrings: true });
    expect(await lax.db.get('SELECT "text" AS x')).toEqual({ x: "text" });
    await lax.db.close();
  });
});
