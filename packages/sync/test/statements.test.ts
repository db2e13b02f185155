import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { describe, expect, it } from "vitest";
import { boundValue } from "../src/changes/bound-value.ts";
import type { CapturedItem } from "../src/changes/captured.ts";
import type { Change } from "../src/changes/change.ts";
import { type PlanOptions, planTransaction } from "../src/statements/plan.ts";
import type { PlannedStatement } from "../src/statements/planned-statement.ts";
import { captured, keylessChangeset, schemaOf, transactionOf } from "./capture.ts";

const KEEP: PlanOptions = { isDiscarded: () => false };

/** Two databases with the same content: one that is written to, and one to which what was written is brought. */
function pair(sql: string): { here: DatabaseSync; there: DatabaseSync } {
  const here = new DatabaseSync(":memory:");
  const there = new DatabaseSync(":memory:");
  for (const db of [here, there]) db.exec(sql);
  return { here, there };
}

function repeat(items: readonly CapturedItem[], there: DatabaseSync, options = KEEP): string[] {
  const ran: string[] = [];
  for (const { sql, args, only } of planTransaction(transactionOf(items), options)) {
    if (only !== undefined && compiles(there, only.probe) !== (only.when === "ok")) continue;
    there.prepare(sql).run(...(args as SQLInputValue[]));
    ran.push(sql);
  }
  return ran;
}

function compiles(db: DatabaseSync, sql: string): boolean {
  try {
    db.prepare(sql);
    return true;
  } catch {
    return false;
  }
}

const rows = (db: DatabaseSync, sql: string): unknown[] =>
  db
    .prepare(sql)
    .all()
    .map((row) => Object.values(row));

/** Runs SQL here, brings it there, and expects both to be the same. */
function expectSame(setUp: string, run: string, query: string): string[] {
  const { here, there } = pair(setUp);
  const ran = repeat([captured(here, () => here.exec(run))], there);
  expect(rows(there, query)).toEqual(rows(here, query));
  return ran;
}

describe("rows with a primary key", () => {
  it("travel with every kind of value", () => {
    expectSame(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, v)",
      `INSERT INTO t VALUES (1, NULL), (2, 9223372036854775807), (3, 1e300), (4, 9e999), (5, -9e999), (6, 'é''"'), (7, x'00ff'),
       (8, 1.0), (9, -9223372036854775808), (10, ''), (11, x'')`,
      "SELECT id, CAST(v AS TEXT), typeof(v) FROM t",
    );
  });

  it("travel with text that is not UTF-8, in values and in keys", () => {
    const text = (hex: string): string => `CAST(x'${hex}' AS TEXT)`;
    expectSame(
      `CREATE TABLE t(k TEXT PRIMARY KEY, v); INSERT INTO t VALUES (${text("ff")}, 1), (${text("fe")}, ${text("fd")}), ('c', ${text("80")})`,
      `UPDATE t SET v = ${text("61ff62")} WHERE k = ${text("ff")}; DELETE FROM t WHERE k = ${text("fe")};
       UPDATE t SET v = 'mended' WHERE k = 'c'; INSERT INTO t VALUES ('d', ${text("c0af")})`,
      "SELECT hex(k), hex(v), typeof(v) FROM t ORDER BY k",
    );
  });

  it("are put there again as a whole where they were put in the place of others, with what changed as it was recorded", () => {
    const { here, there } = pair(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, v, w); INSERT INTO t VALUES (1, 'a', 'b')",
    );
    const item = captured(here, () => here.exec("REPLACE INTO t VALUES (1, CAST(x'ff' AS TEXT), 'b')"));
    there.exec("DELETE FROM t");
    repeat([{ ...item, rows: [{ table: "t", rowid: undefined, values: [1n, "\ufffd", "b"] }] }], there);
    expect(rows(there, "SELECT id, hex(v), w FROM t")).toEqual([[1, "FF", "b"]]);
  });

  it("replace what has their key", () => {
    const { here, there } = pair("CREATE TABLE t(id INTEGER PRIMARY KEY, v, w)");
    there.exec("INSERT INTO t VALUES (1, 'theirs', 'theirs')");
    repeat([captured(here, () => here.exec("INSERT INTO t VALUES (1, 'ours', NULL)"))], there);
    expect(rows(there, "SELECT * FROM t")).toEqual([[1, "ours", null]]);
  });

  it("change only the columns that changed", () => {
    const { here, there } = pair(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, v, w); INSERT INTO t VALUES (1, 'a', 'b')",
    );
    there.exec("UPDATE t SET w = 'theirs'");
    repeat([captured(here, () => here.exec("UPDATE t SET v = 'ours'"))], there);
    expect(rows(there, "SELECT * FROM t")).toEqual([[1, "ours", "theirs"]]);
  });

  it("W12: are found by the key they had, when a key that is no row id changes", () => {
    expectSame(
      "CREATE TABLE t(a TEXT NOT NULL, b INT NOT NULL, v, PRIMARY KEY(b, a)); INSERT INTO t VALUES ('x', 1, 'v'), ('y', 2, 'w')",
      "UPDATE t SET a = 'z' WHERE b = 1; UPDATE t SET v = 'new' WHERE b = 2; DELETE FROM t WHERE b = 2; INSERT INTO t VALUES ('q', 5, 1)",
      "SELECT * FROM t ORDER BY b",
    );
  });

  it("W13: move when a row id that is a column changes", () => {
    expectSame(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 'a'), (2, 'b')",
      "UPDATE t SET id = 10 WHERE id = 1",
      "SELECT * FROM t",
    );
  });

  it("travel without generated columns, and WITHOUT ROWID, with names in quotes", () => {
    expectSame(
      `CREATE TABLE "a ""b"(k TEXT PRIMARY KEY, g INT AS (v * 2) STORED, "v" INT, "or""der" TEXT, h AS (v + 1)) WITHOUT ROWID`,
      `INSERT INTO "a ""b"(k, v, "or""der") VALUES ('k', 1, 'o'), ('l', 2, 'p'); UPDATE "a ""b" SET "or""der" = 'x' WHERE k = 'l'`,
      `SELECT * FROM "a ""b"`,
    );
  });

  it.each([
    ["given up by a deleted row", "DELETE FROM t WHERE id = 3; INSERT INTO t VALUES (0, 'c')"],
    [
      "shifted along",
      "UPDATE t SET v = 'd' WHERE id = 3; UPDATE t SET v = 'c' WHERE id = 2; UPDATE t SET v = 'b' WHERE id = 1",
    ],
    [
      "exchanged in a circle",
      "UPDATE t SET v = 'x' WHERE id = 1; UPDATE t SET v = 'a' WHERE id = 2; UPDATE t SET v = 'b' WHERE id = 3; UPDATE t SET v = 'c' WHERE id = 1",
    ],
    [
      "exchanged by two and then taken over by a third",
      "UPDATE t SET v = 'x' WHERE id = 1; UPDATE t SET v = 'a' WHERE id = 2; UPDATE t SET v = 'b' WHERE id = 1; DELETE FROM t WHERE id = 3; INSERT INTO t VALUES (9, 'c')",
    ],
  ])("keep the order that unique values need: %s", (_, run) => {
    for (const notNull of ["", "NOT NULL"]) {
      const setUp = `CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT ${notNull}); CREATE UNIQUE INDEX u ON t(v); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')`;
      expectSame(setUp, run, "SELECT * FROM t ORDER BY id");
    }
  });

  it.each([
    ["letters of another case", "TEXT COLLATE NOCASE", "'a'", "'b'", "'A'", "'B'"],
    ["trailing spaces", "TEXT COLLATE RTRIM", "'a'", "'b'", "'a '", "'b '"],
    ["numbers of another type", "", "1", "2", "1.0", "2.0"],
    ["what only looks equal", "TEXT", "'a'", "'A'", "'A'", "'a'"],
  ])("exchange values that are equal to SQLite in spite of %s", (_, type, one, two, likeOne, likeTwo) => {
    expectSame(
      `CREATE TABLE t(id INTEGER PRIMARY KEY, v ${type} UNIQUE); INSERT INTO t VALUES (1, ${one}), (2, ${two})`,
      `UPDATE t SET v = 'x' WHERE id = 1; UPDATE t SET v = ${likeOne} WHERE id = 2; UPDATE t SET v = ${likeTwo} WHERE id = 1`,
      "SELECT * FROM t ORDER BY id",
    );
  });

  it("that exchange unique values leave alone those whose change is left out", () => {
    const { here } = pair(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT UNIQUE); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')",
    );
    const circle =
      "UPDATE t SET v = 'x' WHERE id = 1; UPDATE t SET v = 'a' WHERE id = 2; UPDATE t SET v = 'b' WHERE id = 3; UPDATE t SET v = 'c' WHERE id = 1";
    const transaction = transactionOf([captured(here, () => here.exec(circle))]);
    const isOf = (id: number, change: Change): boolean =>
      change.kind === "row" && change.before[0] === BigInt(id);
    for (const id of [1, 2, 3]) {
      const left = (options: PlanOptions): PlannedStatement[] =>
        planTransaction(transaction, options).filter(({ change }) => isOf(id, change));
      expect(left(KEEP).length).toBeGreaterThan(0);
      expect(
        left({ ...KEEP, transform: (mutation) => (mutation.id === id ? { operation: "skip" } : null) }),
      ).toEqual([]);
      expect(
        left({
          isDiscarded: (change) => isOf(id, change) && change.kind === "row" && change.parks === undefined,
        }),
      ).toEqual([]);
    }
  });

  it("shift ten thousand unique values in one go", () => {
    const fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)";
    const setUp = `CREATE TABLE t(id INTEGER PRIMARY KEY, v INT UNIQUE); ${fill} INSERT INTO t SELECT i, i FROM n`;
    expectSame(setUp, "UPDATE t SET v = -v; UPDATE t SET v = 1 - v", "SELECT sum(v * id), count(*) FROM t");
  });
});

describe("rows without a primary key", () => {
  const SCHEMA = "CREATE TABLE log(m TEXT COLLATE NOCASE, n INT)";
  const log = (
    bytes: Uint8Array,
    updated: readonly (readonly [number, string, number])[] = [],
  ): CapturedItem => ({
    kind: "changeset",
    bytes,
    schema: [SCHEMA],
    rows: updated.map(([rowid, m, n]) => ({ table: "log", rowid: BigInt(rowid), values: [m, BigInt(n)] })),
  });
  const remote = (insert: string): DatabaseSync => pair(`${SCHEMA}; INSERT INTO log ${insert}`).there;

  it("W14: are added beside the rows of others that have their row id", () => {
    const there = remote("VALUES ('theirs', 1)");
    const added = keylessChangeset("log", 2, [{ operation: 18, rowid: 1, after: ["ours", 1] }]);
    repeat([log(added)], there);
    expect(rows(there, "SELECT m FROM log")).toEqual([["theirs"], ["ours"]]);
  });

  it("W14: are never taken for rows of others by their row id", () => {
    const there = remote("VALUES ('theirs', 1), ('ours', 2), ('OURS', 2)");
    const changed = keylessChangeset("log", 2, [
      { operation: 23, rowid: 1, before: [undefined, 2], after: [undefined, 3] },
    ]);
    repeat([log(changed, [[1, "ours", 3]])], there);
    expect(rows(there, "SELECT m, n FROM log")).toEqual([
      ["theirs", 1],
      ["ours", 3],
      ["OURS", 2],
    ]);
    const gone = keylessChangeset("log", 2, [{ operation: 9, rowid: 1, before: ["ours", 3] }]);
    repeat([log(gone)], there);
    repeat([log(gone)], there);
    expect(rows(there, "SELECT m FROM log")).toEqual([["theirs"], ["OURS"]]);
  });

  it("are the one with the same row id where several are equal, and only one of them", () => {
    const there = remote("VALUES ('a', 1), ('a', 1), ('a', 1)");
    const gone = keylessChangeset("log", 2, [{ operation: 9, rowid: 2, before: ["a", 1] }]);
    repeat([log(gone)], there);
    expect(rows(there, "SELECT rowid FROM log")).toEqual([[1], [3]]);
  });
});

describe("changes that triggers and foreign keys made", () => {
  it("W19: of triggers are left to the triggers of the remote", () => {
    expectSame(
      `CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE audit(id INTEGER PRIMARY KEY, what);
       CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO audit(what) VALUES (new.v); END`,
      "INSERT INTO t VALUES (1, 'a')",
      "SELECT what FROM audit",
    );
  });

  it("of foreign keys travel, since the remote may not enforce them", () => {
    expectSame(
      `PRAGMA foreign_keys = ON; CREATE TABLE p(id INTEGER PRIMARY KEY);
       CREATE TABLE c(id INTEGER PRIMARY KEY, p REFERENCES p ON DELETE CASCADE); CREATE TABLE other(id INTEGER PRIMARY KEY);
       CREATE TRIGGER tr AFTER DELETE ON p BEGIN INSERT INTO other(id) VALUES (old.id); END;
       INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (1, 1), (2, 2)`,
      "DELETE FROM p WHERE id = 1",
      "SELECT *, (SELECT count(*) FROM other) FROM c",
    );
  });
});

describe("changes of the schema", () => {
  const ddl = (sql: string): CapturedItem => ({ kind: "ddl", sql });
  const STATEMENTS = [
    'CREATE TABLE "a b"(id INTEGER PRIMARY KEY, v)',
    'CREATE UNIQUE INDEX i ON "a b"(v)',
    'CREATE VIEW w AS SELECT v FROM "a b"',
    'CREATE TRIGGER tr AFTER INSERT ON "a b" BEGIN UPDATE "a b" SET v = 1; END',
    "ALTER TABLE \"a b\" ADD COLUMN extra TEXT DEFAULT 'x'",
    'ALTER TABLE main."a b" ADD other',
    'ALTER TABLE "a b" RENAME COLUMN other TO another',
    'ALTER TABLE "a b" DROP COLUMN another',
    "DROP TRIGGER tr",
    "DROP VIEW w",
    'ALTER TABLE "a b" RENAME TO c',
    "DROP INDEX i",
  ];

  it("may be repeated where they were made already", () => {
    const here = new DatabaseSync(":memory:");
    const there = new DatabaseSync(":memory:");
    for (const sql of STATEMENTS) here.exec(sql);
    repeat(STATEMENTS.map(ddl), there);
    expect(schemaOf(there)).toEqual(schemaOf(here));
    for (const sql of STATEMENTS.slice(-3)) repeat([ddl(sql)], there);
    expect(schemaOf(there)).toEqual(schemaOf(here));
  });

  it("each may be repeated at once", () => {
    const there = new DatabaseSync(":memory:");
    for (const sql of STATEMENTS) {
      repeat([ddl(sql)], there);
      const schema = schemaOf(there);
      repeat([ddl(sql)], there);
      expect(schemaOf(there)).toEqual(schema);
    }
  });

  it("W11: do not get in the way of rows that were written before them", () => {
    const { here, there } = pair("CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
    const items = [
      captured(here, () => here.exec("INSERT INTO t VALUES (1, 'a')")),
      ddl("ALTER TABLE t RENAME COLUMN v TO w"),
    ];
    here.exec("ALTER TABLE t RENAME COLUMN v TO w");
    items.push(captured(here, () => here.exec("INSERT INTO t VALUES (2, 'b')")));
    items.push(ddl("DROP TABLE t"));
    repeat(items.slice(0, 3), there);
    expect(rows(there, "SELECT w FROM t")).toEqual([["a"], ["b"]]);
    repeat(items.slice(3), there);
    expect(schemaOf(there)).toEqual([]);
  });
});

describe("a transform", () => {
  const setUp =
    "CREATE TABLE t(id INTEGER PRIMARY KEY, v, w); INSERT INTO t VALUES (1, 'a', 9007199254740993)";

  it("sees each change of a row, and skips or rewrites it", () => {
    const { here, there } = pair(setUp);
    const items = [
      captured(here, () =>
        here.exec(
          "UPDATE t SET v = NULL WHERE id = 1; INSERT INTO t VALUES (2, 'b', 1); INSERT INTO t VALUES (3, 'c', 1)",
        ),
      ),
    ];
    const seen: unknown[] = [];
    repeat(items, there, {
      ...KEEP,
      transform: (mutation) => {
        seen.push(mutation);
        if (mutation.id === 2) return { operation: "skip" };
        if (mutation.id !== 3) return null;
        return {
          operation: "rewrite",
          stmt: { sql: "INSERT INTO t VALUES (?, ?, ?)", values: [30, true, undefined] },
        };
      },
    });
    expect(rows(there, "SELECT id, v FROM t")).toEqual([
      [1, null],
      [30, 1],
    ]);
    expect(seen[0]).toEqual({
      changeTime: 1_700_000_000,
      tableName: "t",
      id: 1,
      changeType: "update",
      before: { id: 1, v: "a" },
      after: { id: 1, v: null },
      updates: { v: null },
    });
  });

  it("gives values that become what SQLite makes of them when they are bound", () => {
    const given = [7, -0, Number.NaN, 2 ** 53, true, undefined, new Uint8Array([1]).buffer];
    expect(given.map(boundValue)).toEqual([7n, -0, null, 2 ** 53, 1n, null, new Uint8Array([1])]);
  });

  it("that gives something else is refused", () => {
    const { here, there } = pair(setUp);
    const items = [captured(here, () => here.exec("DELETE FROM t"))];
    const transform = (() => ({ operation: "drop" })) as never;
    expect(() => repeat(items, there, { ...KEEP, transform })).toThrow("unexpected transform operation");
  });
});
