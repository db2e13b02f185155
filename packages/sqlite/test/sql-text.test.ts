import { expect, it } from "vitest";
import { kindOfStatement, namesOtherDatabase, readSettings, skipBlank } from "../src/sql-text.ts";

it.each([
  ["SELECT 1", "read"],
  ["  -- note\n/* SELECT */ ;; select * from t", "read"],
  ["VALUES (1)", "read"],
  ["EXPLAIN QUERY PLAN SELECT 1", "read"],
  ["WITH x AS (SELECT 1) SELECT * FROM x", "read"],
  ["SELECT temp, changes FROM weather", "read"],
  ["WITH x AS (SELECT 1) INSERT INTO t SELECT * FROM x", "session"],
  ["SELECT last_insert_rowid()", "setting"],
  ["SELECT total_changes ( )", "setting"],
  ["SELECT * FROM pragma_database_list", "setting"],
  ["PRAGMA user_version", "setting"],
  ["PRAGMA cache_size = 10", "session"],
  ["PRAGMA case_sensitive_like(1)", "session"],
  ["INSERT INTO t VALUES (1)", "session"],
  ["BEGIN", "session"],
  ["", "session"],
])("%j is of kind %s", (sql, kind) => {
  expect(kindOfStatement(sql)).toBe(kind);
});

it("white space, semicolons and comments are skipped, also unfinished ones", () => {
  expect(skipBlank("SELECT", 0)).toBe(0);
  expect(skipBlank(" ;\n-- a\n /* b */x", 0)).toBe(16);
  expect(skipBlank("/* a */ SELECT /* b */", 0)).toBe(8);
  expect(skipBlank("-- a", 0)).toBe(4);
  expect(skipBlank("/* a", 0)).toBe(4);
  expect(skipBlank("", 0)).toBe(0);
});

it("settings that change what is read are found in a script", () => {
  expect(
    readSettings("PRAGMA case_sensitive_like=1; SELECT 1; pragma main.cache_size(7);PRAGMA foreign_keys=1"),
  ).toEqual(["PRAGMA case_sensitive_like=1", "pragma main.cache_size(7)"]);
  expect(readSettings("PRAGMA cache_size")).toEqual([]);
});

it("temporary tables and attached databases are noticed", () => {
  expect(namesOtherDatabase("create temporary table x(a)")).toBe(true);
  expect(namesOtherDatabase("ATTACH ':memory:' AS y")).toBe(true);
  expect(namesOtherDatabase("INSERT INTO template VALUES (1)")).toBe(false);
});
