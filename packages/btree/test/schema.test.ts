import { DatabaseSync } from "node:sqlite";
import { describe, expect, it } from "vitest";
import {
  findByName,
  parseCreateIndex,
  parseCreateTable,
  parseSchema,
  RowReader,
  SCHEMA_TABLE,
} from "../src/index.ts";
import { ask, quote, rowsOf, schemaOf } from "./authority.ts";
import { makeDatabase, type SqliteFile } from "./sqlite-file.ts";

/** Statements for one table each, with what decides how its rows and indexes are stored. */
const TABLES = [
  "CREATE TABLE a(x)",
  "CREATE TABLE a(x, y TEXT, z INTEGER PRIMARY KEY)",
  "CREATE TABLE a(x INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, y)",
  "CREATE TABLE a(x INTEGER PRIMARY KEY DESC, y)",
  "CREATE TABLE a(x INTEGER, y, PRIMARY KEY(x DESC))",
  "CREATE TABLE a(x INT PRIMARY KEY, y UNIQUE)",
  "CREATE TABLE a(x \"INTEGER\" PRIMARY KEY, [y z] varchar ( 10 ) UNIQUE, `w` 'INT')",
  "CREATE TABLE a(x TEXT COLLATE NOCASE PRIMARY KEY, y DECIMAL(10, 2) DEFAULT 1.5 NOT NULL ON CONFLICT ABORT)",
  "CREATE TABLE a(x, y, z, PRIMARY KEY(z DESC, y COLLATE rtrim), UNIQUE(x, y) ON CONFLICT IGNORE, UNIQUE(y, x))",
  "CREATE TABLE a(x, y, UNIQUE(x), UNIQUE(x), CONSTRAINT k UNIQUE(x COLLATE NOCASE), PRIMARY KEY(x))",
  "CREATE TABLE a(x INTEGER PRIMARY KEY UNIQUE, y CHECK (y > ')' OR (y IN (1, 2))), CHECK (x <> y))",
  "CREATE TABLE a(k TEXT, v, n INT, PRIMARY KEY(n, k DESC)) WITHOUT ROWID",
  "CREATE TABLE a(k INTEGER PRIMARY KEY, v UNIQUE, w UNIQUE) WITHOUT ROWID, STRICT"
    .replace("v ", "v ANY ")
    .replace("w ", "w INT "),
  "CREATE TABLE a(x, y, z, PRIMARY KEY(z, x, z, y, x COLLATE NOCASE)) WITHOUT ROWID",
  "CREATE TABLE a(x TEXT COLLATE NOCASE, y, PRIMARY KEY(y, x)) WITHOUT ROWID",
  "CREATE TABLE a(x INT, y ANY, z BLOB, w REAL) STRICT",
  "CREATE TABLE a(x, y AS (x || 'y'), z INT GENERATED ALWAYS AS (length(x)) STORED, w UNIQUE)",
  "CREATE TABLE a(x REFERENCES b(q) ON DELETE SET NULL ON UPDATE NO ACTION MATCH FULL DEFERRABLE INITIALLY DEFERRED UNIQUE, y)",
  "CREATE TABLE a(x, y, FOREIGN KEY(x, y) REFERENCES b(q, r) ON DELETE SET DEFAULT NOT DEFERRABLE, UNIQUE(y))",
  "CREATE TABLE a(x -- , not a column\n, /* nor, this */ y /* unterminated comments end it", // `)` follows
  'CREATE TABLE a("weird ""name", \'str\', [brack et], grüße, x$y UNIQUE)',
  "CREATE TABLE a(x DEFAULT (1 + 2), y DEFAULT -5, z DEFAULT +.5e2, w DEFAULT 'it''s', v DEFAULT x'00FF', u DEFAULT CURRENT_TIME)",
  "CREATE TABLE a(x CONSTRAINT one NOT NULL CONSTRAINT two UNIQUE CONSTRAINT three DEFAULT 7, PRIMARY KEY(x) CHECK(x) UNIQUE(x))",
  "CREATE TABLE a(x DOUBLE PRECISION, y UNSIGNED BIG INT, z NATIVE CHARACTER(70), w FLOATING POINT, v STRING)",
  'CREATE TABLE a(key, "check" INT, "primary" TEXT UNIQUE, abort, temp, plan)',
  "CREATE TABLE a(\u00a0x, y\u2003 TEXT\f, \ufeff z UNIQUE)",
  "CREATE TABLE IF NOT EXISTS main.a(x, y);",
].map((sql) => (sql.includes("unterminated") ? `${sql} */)` : sql));

function made(sql: string, ...more: string[]): { file: SqliteFile; db: DatabaseSync } {
  const build = (db: DatabaseSync): void => {
    for (const statement of [sql, ...more]) db.exec(statement);
  };
  const db = new DatabaseSync(":memory:");
  build(db);
  return { file: makeDatabase(build), db };
}

/** Columns and keys as SQLite's pragmas tell them. */
function told(db: DatabaseSync, table: string): unknown {
  const hidden = [undefined, undefined, "virtual", "stored"];
  const columns = db.prepare(`PRAGMA table_xinfo(${quote(table)})`).all();
  const indexes = db.prepare("SELECT name FROM sqlite_schema WHERE type = 'index' ORDER BY name").all();
  return {
    columns: columns.map((row) => [
      row["name"],
      String(row["type"]).toUpperCase(),
      hidden[Number(row["hidden"])],
    ]),
    indexes: indexes.map(({ name }) => [
      name,
      ...db
        .prepare(`PRAGMA index_xinfo(${quote(String(name))})`)
        .all()
        .map((row) => [row["cid"], String(row["coll"]).toUpperCase(), row["desc"] === 1]),
    ]),
  };
}

/** The same as the package reads it. */
function read(file: SqliteFile, name: string): unknown {
  const schema = schemaOf(file);
  const table = findByName(schema.tables, name);
  expect(table?.problem).toBeUndefined();
  return {
    columns: table?.columns.map((column) => [column.name, column.type.toUpperCase(), column.generated]),
    indexes: schema.indexes
      .toSorted((a, b) => (a.name < b.name ? -1 : 1))
      .map((index) => [
        index.name,
        ...index.key.map(({ column, collation, descending }, at) => [
          column ?? (at < index.declared ? -2 : -1),
          collation,
          descending,
        ]),
      ]),
  };
}

describe("CREATE TABLE", () => {
  it.each(TABLES)("is read as SQLite reads it: %s", (sql) => {
    const { file, db } = made(sql);
    expect(read(file, "a")).toEqual(told(db, "a"));
    const table = findByName(schemaOf(file).tables, "A");
    // A row id alias is what SQLite accepts in place of the row id: it never needs an index.
    const alias = table?.columns.findIndex((column) => {
      const plan = db.prepare(`EXPLAIN QUERY PLAN SELECT 1 FROM a WHERE ${quote(column.name)} = 1`).all();
      return String(plan[0]?.["detail"]).includes("INTEGER PRIMARY KEY (rowid=?)");
    });
    expect(table?.rowidAlias ?? -1).toBe(alias);
  });

  it("says what it does not understand, and the rest is still read", () => {
    const row = { type: "table", name: "t", tableName: "t", rootPage: undefined };
    for (const sql of [
      "",
      "CREATE",
      "CREATE TABLE t",
      "CREATE TABLE t(",
      "CREATE TABLE t(a",
      'CREATE TABLE t("a',
      "CREATE TABLE t(a) WITHOUT x",
      "CREATE TABLE t(a DEFAULT x'0')",
      "CREATE TABLE t(a CHECK (",
      "CREATE TABLE t(a) WITHOUT ROWID",
      "CREATE TABLE t(a, PRIMARY KEY(b)) WITHOUT ROWID",
      "SELECT 1",
    ]) {
      const schema = parseSchema([
        { ...row, sql },
        { ...row, sql: "CREATE TABLE t(a)" },
      ]);
      expect(schema.tables[0]?.problem, sql).toMatch(/expected|unterminated/);
      expect(schema.tables[0]?.columns).toEqual([]);
      expect(schema.tables[1]?.columns).toHaveLength(1);
    }
    expect(() => parseCreateTable("CREATE VIEW v AS SELECT 1")).toThrow("expected TABLE at 7, found VIEW");
    const [table] = parseSchema([{ ...row, sql: "CREATE TABLE t" }]).tables;
    if (table === undefined) throw new Error("expected a table");
    expect(() => new RowReader(table)).toThrow("cannot be read: expected (");
  });

  it("reads many indexes of a table with a very long primary key in the time of their text", () => {
    const columns = Array.from({ length: 5_000 }, (_, at) => `c${at}`).join();
    const row = { type: "index", tableName: "t", rootPage: undefined };
    const sql = `CREATE TABLE t(${columns}, PRIMARY KEY(${columns})) WITHOUT ROWID`;
    const { indexes } = parseSchema([
      { ...row, type: "table", name: "t", sql },
      ...Array.from({ length: 10_000 }, (_, at) => ({
        ...row,
        name: `i${at}`,
        sql: "CREATE INDEX i ON t(c7)",
      })),
    ]);
    const last = indexes.at(-1);
    expect(last?.key.map(({ column }) => column).slice(0, 3)).toEqual([7, 0, 1]);
    expect(last?.key).toHaveLength(5_000);
  });

  it("stays fast on text that is made to be slow", () => {
    // Each of these takes very long where a step is repeated for every token before it.
    const parts = [
      "[",
      '"',
      "(",
      "--",
      "/*",
      "'",
      "a ",
      "a,",
      "- ",
      "x'",
      "a PRIMARY KEY,",
      "a UNIQUE,",
      "UNIQUE(a),",
    ];
    for (const part of parts) {
      for (const start of ["a DEFAULT ", "a, PRIMARY KEY(", "a, UNIQUE(a COLLATE ", "a "]) {
        const row = { type: "table", name: "t", tableName: "t", rootPage: undefined };
        const { tables } = parseSchema([{ ...row, sql: `CREATE TABLE t(${start}${part.repeat(10_000)}` }]);
        expect(tables[0]?.problem, start + part).toBeDefined();
      }
    }
    const wide = `CREATE TABLE t(${Array.from({ length: 20_000 }, (_, at) => `c${at} UNIQUE`)}, PRIMARY KEY(${Array.from({ length: 20_000 }, (_, at) => `c${at}`)})) WITHOUT ROWID`;
    const rows = Array.from({ length: 20_000 }, (_, at) => ({
      type: "index",
      name: `sqlite_autoindex_t_${at + 1}`,
      tableName: "t",
      rootPage: undefined,
      sql: null,
    }));
    const { tables, indexes } = parseSchema([
      { type: "table", name: "t", tableName: "t", rootPage: undefined, sql: wide },
      ...rows.slice(0, 100),
    ]);
    expect(tables[0]?.fields).toHaveLength(20_000);
    expect(indexes[99]?.key[0]?.column).toBe(99);
    expect(new RowReader(tables[0] ?? SCHEMA_TABLE).fields).toBe(20_000);
  });
});

describe("CREATE INDEX", () => {
  it.each([
    "CREATE INDEX i ON a(x)",
    "CREATE UNIQUE INDEX i ON a(y DESC, x COLLATE NOCASE ASC)",
    "CREATE INDEX IF NOT EXISTS main.i ON a(lower(y), x)",
    "CREATE INDEX i ON a((x), (y) COLLATE NOCASE DESC)",
    'CREATE INDEX i ON a(x + 1 COLLATE RTRIM, "z z")',
    "CREATE INDEX i ON a(x) WHERE y IS NOT NULL",
    "CREATE INDEX i ON a(z)".replace("z", '"z z"'),
  ])("is read as SQLite reads it: %s", (sql) => {
    const { file, db } = made('CREATE TABLE a(x TEXT COLLATE RTRIM, y, "z z" TEXT COLLATE NOCASE)', sql);
    expect(read(file, "a")).toEqual(told(db, "a"));
    const [index] = schemaOf(file).indexes;
    expect(index?.partial).toBe(sql.includes("WHERE"));
    expect(index?.unique).toBe(sql.includes("UNIQUE"));
  });

  it("of a WITHOUT ROWID table ends with what its primary key adds", () => {
    const { file, db } = made(
      "CREATE TABLE a(x, y TEXT COLLATE NOCASE, z, PRIMARY KEY(y DESC, z)) WITHOUT ROWID",
      "CREATE INDEX i ON a(x, z)",
      "CREATE INDEX j ON a(y COLLATE BINARY)",
    );
    expect(read(file, "a")).toEqual(told(db, "a"));
  });

  it("says what it does not understand", () => {
    expect(() => parseCreateIndex("CREATE INDEX i ON a")).toThrow("expected (");
    const row = { type: "index", name: "i", tableName: "t", rootPage: undefined };
    const orphan = parseSchema([{ ...row, sql: "CREATE INDEX i ON t(a)" }]).indexes[0];
    expect(orphan?.problem).toBe("expected a table t");
  });

  it("ignores DESC in a database of an old schema format", () => {
    const rows = [
      { type: "table", name: "t", tableName: "t", rootPage: undefined, sql: "CREATE TABLE t(a)" },
      { type: "index", name: "i", tableName: "t", rootPage: undefined, sql: "CREATE INDEX i ON t(a DESC)" },
    ];
    expect(parseSchema(rows, 4).indexes[0]?.key[0]?.descending).toBe(true);
    expect(parseSchema(rows, 1).indexes[0]?.key[0]?.descending).toBe(false);
  });
});

describe("the schema", () => {
  it("has tables, indexes, views and triggers, and itself", () => {
    const { file } = made(
      "CREATE TABLE a(x); CREATE VIEW v AS SELECT 1; CREATE TRIGGER r AFTER INSERT ON a BEGIN SELECT 1; END",
      "CREATE VIRTUAL TABLE f USING fts5(body)",
    );
    const schema = schemaOf(file);
    expect(schema.views.map(({ name }) => name)).toEqual(["v"]);
    expect(schema.triggers.map(({ name, tableName }) => [name, tableName])).toEqual([["r", "a"]]);
    const virtual = findByName(schema.tables, "F");
    expect(virtual).toMatchObject({ virtual: true, rootPage: undefined, columns: [], problem: undefined });
    expect(() => new RowReader(virtual ?? SCHEMA_TABLE)).toThrow("it is a virtual table");
    const rows = rowsOf(file, SCHEMA_TABLE);
    expect(rows[0]).toEqual(["table", "a", "a", 2n, "CREATE TABLE a(x)"]);
    expect(rows.length).toBeGreaterThan(8);
  });

  it("knows names by SQLite's rule: only ASCII letters have two cases", () => {
    const { file } = made("CREATE TABLE Straße(Ä, B)");
    const { tables } = schemaOf(file);
    expect(findByName(tables, "sTRAßE")).toBeDefined();
    expect(findByName(tables, "STRASSE")).toBeUndefined();
    expect(
      new RowReader(tables[0] ?? SCHEMA_TABLE, { columns: ["b", "Ä"] }).columns.map(({ name }) => name),
    ).toEqual(["B", "Ä"]);
    expect(() => new RowReader(tables[0] ?? SCHEMA_TABLE, { columns: ["ä"] })).toThrow(RangeError);
  });
});

describe("rows", () => {
  const VALUES = "(1, 'x', 2.5), (NULL, x'00', -1), (9007199254740993, '', 1e300), ('7', 7, 8)";

  it("have the constant defaults of columns that were added later", () => {
    const added = [
      "DEFAULT 5",
      "TEXT DEFAULT 5",
      "TEXT DEFAULT 5.0",
      "REAL DEFAULT 5",
      "INT DEFAULT '7'",
      "INT DEFAULT '7.5'",
      "INT DEFAULT 7.0",
      "DEFAULT 7.0",
      "DEFAULT -9223372036854775808",
      "DEFAULT 9223372036854775808",
      "DEFAULT 0x1F",
      "DEFAULT -0x1F",
      "DEFAULT x'0aFF'",
      "DEFAULT 'it''s'",
      'DEFAULT "word"',
      "DEFAULT word",
      "DEFAULT TRUE",
      "TEXT DEFAULT FALSE",
      "DEFAULT NULL",
      "DEFAULT (3)",
      "DEFAULT ('3')",
      "NUMERIC DEFAULT '1e3'",
      "NUMERIC DEFAULT '.5'",
      "NUMERIC DEFAULT ' +5. '",
      "NUMERIC DEFAULT '\u00a05'",
      "INT DEFAULT '0x1F'",
      "REAL DEFAULT '0x1F'",
      "INT DEFAULT '1_000'",
      "TEXT DEFAULT 1_0.5",
      "NUMERIC DEFAULT 'x'",
      "BLOB DEFAULT '5'",
      "INT DEFAULT +4",
      "TEXT DEFAULT -0.50",
      "DEFAULT 1_000",
      "REAL DEFAULT 1e999",
      "DEFAULT ''",
    ];
    const { file, db } = made(
      `CREATE TABLE a(x, y, z); INSERT INTO a VALUES ${VALUES}`,
      ...added.map((declaration, at) => `ALTER TABLE a ADD COLUMN c${at} ${declaration}`),
      "INSERT INTO a(x) VALUES ('later')",
    );
    const [table] = schemaOf(file).tables;
    expect(rowsOf(file, table ?? SCHEMA_TABLE)).toEqual(ask(db, "SELECT * FROM a"));
  });

  it("have a default of very many digits and a letter in no time", () => {
    const text = `${"1".repeat(1_000_000)}x`;
    const [, column] = parseCreateTable(`CREATE TABLE a(x, y NUMERIC DEFAULT '${text}')`).columns;
    expect(column?.default?.storageClass).toBe("text");
    expect(column?.default?.value === text).toBe(true);
  });

  it.each([
    "CREATE TABLE a(x, y, z)",
    "CREATE TABLE a(x REAL, y TEXT, z INTEGER)",
    "CREATE TABLE a(x, y INTEGER PRIMARY KEY, z REAL)",
    "CREATE TABLE a(x, y, z, PRIMARY KEY(z, y)) WITHOUT ROWID",
    "CREATE TABLE a(x ANY, y ANY, z REAL) STRICT",
    "CREATE TABLE a(x, y, z REAL, s AS (x || y) STORED)",
  ])("are those that SQLite reads from %s", (sql) => {
    const values = sql.includes("PRIMARY KEY,")
      ? VALUES.replace(/'x'|x'00'|'',|7,/g, (text) =>
          text === "''," ? "33," : text === "7," ? "44," : text === "'x'" ? "11" : "-22",
        )
      : VALUES;
    const { file, db } = made(sql, `INSERT INTO a(x, y, z) VALUES ${values}`);
    const [table] = schemaOf(file).tables;
    expect(rowsOf(file, table ?? SCHEMA_TABLE)).toEqual(ask(db, "SELECT * FROM a"));
  });

  it("leave virtual generated columns out, and refuse to compute them", () => {
    const { file, db } = made(
      "CREATE TABLE a(x, v AS (x + 1), y)",
      "INSERT INTO a(x, y) VALUES (1, 2), (3, 4)",
    );
    const [table] = schemaOf(file).tables;
    expect(rowsOf(file, table ?? SCHEMA_TABLE)).toEqual(ask(db, "SELECT x, y FROM a"));
    expect(() => new RowReader(table ?? SCHEMA_TABLE, { columns: ["v"] })).toThrow(
      expect.objectContaining({ code: "NOT_SUPPORTED" }),
    );
  });
});
