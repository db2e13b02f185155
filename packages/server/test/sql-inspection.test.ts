import { describe, expect, it } from "vitest";
import { inspectSql, sqlParameters } from "../src/sql/sql-inspection.ts";

describe("SQL", () => {
  it.each([
    "SELECT 1",
    " \n-- note; x\n/* ; */ select * from t;",
    "\ufeffSELECT 1",
    "VALUES (1); SELECT ';DELETE'",
    "WITH a AS (DELETE_ME), b AS (SELECT 1) SELECT * FROM a",
    "EXPLAIN DELETE FROM t",
    "EXPLAIN QUERY PLAN UPDATE t SET a = 1",
    "PRAGMA table_info(t)",
    'PRAGMA main."page_count"',
    "PRAGMA main.page_count",
    "PRAGMA main.table_info(t)",
    "PRAGMA journal_mode = WAL",
    "PRAGMA foreign_keys(on)",
    "PRAGMA user_version",
    "",
    ";;",
  ])("%j only reads", (sql) => {
    expect(inspectSql(sql)).toMatchObject({ readsOnly: true, refusal: undefined });
  });

  it.each([
    "INSERT INTO t VALUES (1)",
    "SELECT 1; DELETE FROM t",
    "SELECT ';'; DROP TABLE t",
    'SELECT "a"";"; DROP TABLE t',
    "BEGIN",
    "SAVEPOINT a",
    "WITH a AS (SELECT 1) INSERT INTO t SELECT * FROM a",
    "WITH replace AS (SELECT 1) SELECT * FROM replace",
    "WITH explain AS (SELECT 1) DELETE FROM t",
    "CREATE TRIGGER r AFTER INSERT ON t BEGIN SELECT 1; END",
    "PRAGMA user_version = 3",
    "PRAGMA main.user_version=3",
    "PRAGMA optimize",
    "VACUUM",
    "ANALYZE",
    "gibberish",
  ])("%j may write", (sql) => {
    expect(inspectSql(sql)).toMatchObject({ readsOnly: false, refusal: undefined });
  });

  it.each([
    "ATTACH 'other.db' AS o",
    "\ufeffATTACH DATABASE 'other.db' AS o",
    "/* x */ -- y\n attach 'other.db' as o",
    "EXPLAIN ATTACH 'other.db' AS o",
    "SELECT 1; DETACH o",
    "VACUUM INTO 'copy.db'",
    "VACUUM main INTO 'copy.db'",
    "PRAGMA journal_mode = DELETE",
    "PRAGMA journal_mode(off)",
    "PRAGMA synchronous = OFF",
    "PRAGMA main . synchronous = 0",
    "PRAGMA main.synchronous=0",
    'PRAGMA "writable_schema" = 1',
    "PRAGMA [temp_store_directory] = '/'",
    "PRAGMA wal_checkpoint(TRUNCATE)",
    "PRAGMA locking_mode = exclusive",
    "EXPLAIN PRAGMA synchronous = 0",
    "EXPLAIN QUERY PLAN PRAGMA synchronous = 0",
    "PRAGMA something_of_tomorrow",
  ])("%j is refused", (sql) => {
    expect(inspectSql(sql).refusal).toMatch(/is not authorized/);
  });

  it("that opens a transaction is known, and so is an EXPLAIN", () => {
    expect(inspectSql("SELECT 1; BEGIN IMMEDIATE").begins).toBe(true);
    expect(inspectSql("INSERT INTO t VALUES ('BEGIN')").begins).toBe(false);
    expect(inspectSql("EXPLAIN SELECT 1").isExplain).toBe(true);
    expect(inspectSql("SELECT 1; EXPLAIN SELECT 1").isExplain).toBe(false);
  });

  it("has its parameters numbered as SQLite does", () => {
    expect(sqlParameters("SELECT ?, '?', :a, ?4, @b, :a, $c::d, \"?\" -- ?")).toEqual([
      null,
      ":a",
      null,
      "?4",
      "@b",
      "$c::d",
    ]);
    expect(sqlParameters("SELECT ?99999999")).toEqual([]);
  });

  it("is looked at in a time that grows with its length", () => {
    const started = performance.now();
    for (const piece of ["/**/", "'", '"', "(", "--\n", "[", "?", "`;", "WITH a "])
      inspectSql(piece.repeat(50_000));
    expect(performance.now() - started).toBeLessThan(10_000);
  });
});
