import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { CheckTask } from "../src/check/index.ts";
import { runTaskSync } from "../src/index.ts";
import { inTemporaryDirectory, sqliteFile } from "./sqlite-file.ts";

/** What SQLite says when it opens the database, and what the check finds in its schema. */
interface Verdicts {
  readonly refusal: string | undefined;
  readonly findings: readonly string[];
}

/** A database in which a statement was replaced by another text, behind SQLite's back. */
function judged(make: string, change: string): Verdicts {
  return inTemporaryDirectory((directory) => {
    const path = join(directory, "made.db");
    const db = new DatabaseSync(path);
    db.enableDefensive(false);
    db.exec(`PRAGMA synchronous = OFF; ${make}; PRAGMA writable_schema = ON; ${change}`);
    db.close();
    const file = sqliteFile(new Uint8Array(readFileSync(path)));
    const { findings } = runTaskSync(new CheckTask(file.header, file.pageCount), file.peek);
    let refusal: string | undefined;
    const again = new DatabaseSync(path, { readOnly: true, enableDoubleQuotedStringLiterals: true });
    try {
      again.exec("SELECT * FROM sqlite_schema");
    } catch (error) {
      refusal = (error as Error).message;
    } finally {
      again.close();
    }
    return { refusal, findings: findings.map(({ message }) => message) };
  });
}

const BASE =
  "CREATE TABLE t(a INT, b TEXT UNIQUE); CREATE INDEX i ON t(b, a); CREATE VIEW v AS SELECT a FROM t; CREATE TRIGGER g AFTER INSERT ON t BEGIN SELECT 1; END";

const withSql = (name: string, sql: string): Verdicts =>
  judged(BASE, `UPDATE sqlite_schema SET sql = '${sql.replaceAll("'", "''")}' WHERE name = '${name}'`);

const TABLES = [
  "CREATE TABLE t(a INT, b TEXT UNIQUE)",
  "create table \"T\" ([a] 'INT', `b` varchar(10, -2) CONSTRAINT x UNIQUE ON CONFLICT IGNORE)",
  "CREATE TABLE t(a INT DEFAULT -'x', b DEFAULT (1 + 2) COLLATE nocase UNIQUE NOT NULL ON CONFLICT FAIL) ; garbage '",
  "CREATE TABLE t(a INTEGER PRIMARY KEY DESC ON CONFLICT ABORT, b UNIQUE DEFAULT key, CHECK (a IN (1, 2)) CONSTRAINT z)",
  "CREATE TABLE t(a INTEGER PRIMARY KEY CHECK (a <> 7), b UNIQUE, FOREIGN KEY(a, b) REFERENCES o(x, y) ON DELETE SET NULL MATCH full NOT DEFERRABLE INITIALLY DEFERRED)",
  "CREATE TABLE t(a REFERENCES o ON UPDATE NO ACTION DEFERRABLE, b AS (a || 'x') STORED UNIQUE, c GENERATED ALWAYS AS (a))",
  "CREATE TABLE t(a INT, b TEXT UNIQUE, UNIQUE((b)), PRIMARY KEY(a COLLATE rtrim DESC)) STRICT, STRICT",
  "CREATE TABLE t(a, b UNIQUE, asc, UNIQUE(asc, a ASC))",
  "CREATE TABLE t(a, b UNIQUE DEFAULT CURRENT_TIME, c DEFAULT x'00', d DEFAULT true, e DEFAULT +.5e2, f DEFAULT 0x10)",
];
const INDEXES = [
  "CREATE INDEX i ON t(b, a)",
  "CREATE UNIQUE INDEX i ON 't'(\"b\" COLLATE nocase COLLATE binary DESC, a + 1 ASC) WHERE a > 2 AND b IN (1)",
  "CREATE INDEX IF NOT EXISTS i ON t(true, CASE a WHEN 1 THEN 2 END, (b), abs(a))",
];

describe("a check of the schema", () => {
  it.each(TABLES)("finds nothing wrong with %s", (sql) => {
    expect(withSql("t", sql).refusal).toBeUndefined();
    expect(withSql("t", sql).findings.filter((found) => found.includes("statement"))).toEqual([]);
  });

  it.each(INDEXES)("finds nothing wrong with %s", (sql) => {
    expect(withSql("i", sql).refusal).toBeUndefined();
    expect(withSql("i", sql).findings.filter((found) => found.includes("statement"))).toEqual([]);
  });

  it("reads a statement to its first NUL, or to the semicolon that ends it", () => {
    for (const rest of ["char(0) || ' ''", "';'' )"]) {
      const change = `UPDATE sqlite_schema SET sql = sql || ${rest}' WHERE name IN ('t', 'i')`;
      expect(judged(BASE, change)).toEqual({ refusal: undefined, findings: [] });
    }
    const inside = judged(
      BASE,
      "UPDATE sqlite_schema SET sql = replace(sql, 'b TEXT', 'b ''' || char(0) || '''')",
    );
    expect(inside.refusal).toMatch(/unrecognized token/);
    expect(inside.findings[0]).toMatch(/^the statement of t is not understood: unterminated '/);
  });

  it.each([
    ["t", "CREATE TABLE u(a INT, b TEXT UNIQUE)", "another name"],
    ["t", "CREATE VIEW t AS SELECT 1", "another type"],
    ["t", "CREATE TABLE t(a INT DEFAULT b TEXT, b UNIQUE)", "a word that is no constraint"],
    ["t", "CREATE TABLE t(a DEFAULT '1'2, b UNIQUE)", "a number after a value"],
    ["t", "CREATE TABLE t(a DEFAULT - - 1, b UNIQUE)", "two signs"],
    ["t", "CREATE TABLE t(a, b UNIQUE ASC)", "an order that no key has"],
    ["t", "CREATE TABLE t(a varchar(max), b UNIQUE)", "a size that is no number"],
    ["t", "CREATE TABLE t(a, b UNIQUE,)", "a comma too much"],
    ["t", "CREATE TABLE t(a b UNIQUE, CHECK())", "an empty check"],
    ["t", "CREATE TABLE t(a, b UNIQUE, UNIQUE(a), c)", "a column after a constraint"],
    ["t", "CREATE TABLE t(a, select, b UNIQUE)", "a keyword as a column"],
    ["t", "CREATE TABLE t(a, b UNIQUE, A)", "a column twice"],
    ["t", "CREATE TABLE t(a, b UNIQUE, PRIMARY KEY(c))", "a key of no column"],
    ["t", "CREATE TABLE t(a, b UNIQUE, FOREIGN KEY(c) REFERENCES t)", "a reference of no column"],
    ["t", "CREATE TABLE t(a, b UNIQUE REFERENCES o ON DELETE STOP)", "no such action"],
    ["t", "CREATE TABLE t(a DATE, b TEXT UNIQUE) STRICT", "a type that STRICT does not know"],
    ["t", "CREATE TABLE t(a, b UNIQUE) WITH ROWID", "no such option"],
    ["t", "CREATE TABLE t(a, b UNIQUE) STRICT x", "words after the end"],
    ["t", "CREATE TABLE t(a DEFAULT 12ab, b UNIQUE)", "a number that runs into a word"],
    ["t", "CREATE TABLE t(a CHECK (a \\ 2), b UNIQUE)", "a sign that is not of SQL"],
    ["t", "CREATE TABLE t(a, b UNIQUE, CHECK (x'0'))", "half a byte"],
    ["t", "DROP TABLE t", "no CREATE"],
    ["i", "CREATE INDEX j ON t(b, a)", "another name"],
    ["i", "CREATE INDEX main.i ON t(b, a)", "the name of a database"],
    ["i", "CREATE INDEX i ON v(b, a)", "another table"],
    ["i", "CREATE INDEX i ON t(b, c)", "a column that is not there"],
    ["i", "CREATE INDEX i ON t(b, a) WHERE", "an empty condition"],
    ["i", "CREATE INDEX i ON t(b, a) UNIQUE", "words after the end"],
    ["i", "CREATE INDEX i ON t()", "no column"],
    ["v", "CREATE VIEW w AS SELECT a FROM t", "another name"],
    ["g", "CREATE TRIGGER h AFTER INSERT ON t BEGIN SELECT 1; END", "another name"],
    ["g", "CREATE TRIGGER g AFTER SELECT ON t BEGIN SELECT 1; END", "no such event"],
  ])("finds, as SQLite does, in %s: %s (%s)", (name, sql) => {
    const { refusal, findings } = withSql(name, sql);
    expect(refusal).toMatch(/malformed database schema/);
    expect(findings[0]).toMatch(new RegExp(`^the statement of ${name} is not understood: expected`));
  });

  it.each([
    ["UPDATE sqlite_schema SET tbl_name = 'v' WHERE name = 'i'", "an index of another table"],
    ["UPDATE sqlite_schema SET tbl_name = 'v' WHERE name = 'g'", "a trigger of another table"],
    ["UPDATE sqlite_schema SET sql = NULL WHERE name = 'v'", "a view without a statement"],
    ["UPDATE sqlite_schema SET rootpage = 99 WHERE name = 'v'", "a view with a root page"],
    ["DELETE FROM sqlite_schema WHERE name = 't'", "an index without its table"],
    ["UPDATE sqlite_schema SET rowid = 99 WHERE name = 't'", "an index before its table"],
    [
      "UPDATE sqlite_schema SET name = 'sqlite_autoindex_t_2' WHERE sql IS NULL",
      "an index without its constraint",
    ],
    ["INSERT INTO sqlite_schema SELECT * FROM sqlite_schema WHERE name = 'v'", "a view twice"],
    ["INSERT INTO sqlite_schema SELECT * FROM sqlite_schema WHERE name = 'g'", "a trigger twice"],
  ])("finds, as SQLite does, after %s: %s", (change) => {
    const { refusal, findings } = judged(BASE, change);
    expect(refusal).toMatch(/malformed database schema/);
    expect(findings.some((found) => found.includes("is not understood"))).toBe(true);
  });
});
