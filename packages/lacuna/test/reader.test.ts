import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { describe, expect, it, onTestFinished } from "vitest";
import { isLacunaError } from "../src/index.ts";
import type { OpenOptions, Reader } from "../src/reader/index.ts";
import { open } from "../src/reader/node.ts";
import { type RemoteFile, serveRemoteFile } from "./remote-file.ts";
import { openSample, plain, sampleDatabase } from "./sample-database.ts";

async function all<T>(rows: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const row of rows) list.push(row);
  return list;
}

async function codeOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise;
  } catch (error) {
    if (isLacunaError(error)) return `${error.code}: ${error.message}`;
    throw error;
  }
  throw new Error("it did not fail");
}

async function served(): Promise<RemoteFile> {
  const remote = await serveRemoteFile();
  onTestFinished(() => remote.close());
  return remote;
}

async function opened(url: string, options: OpenOptions): Promise<Reader> {
  const db = await open(url, options);
  onTestFinished(() => db.close());
  return db;
}

describe.each(["sync server", "static host", "local file"] as const)("a reader over a %s", (kind) => {
  async function overIt(remote: RemoteFile, options: OpenOptions = {}): Promise<Reader> {
    if (kind === "local file") {
      return opened(pathToFileURL(join(remote.directory, "remote.db")).href, options);
    }
    const url = kind === "sync server" ? remote.syncUrl : remote.staticUrl;
    return opened(url, { fetch: remote.fetch, ...options });
  }

  it("reads what SQLite reads", async () => {
    const remote = await served();
    const db = await overIt(remote);
    for (const [table, order] of [
      ["person", "id"],
      ["tag", "word"],
      ["blob", "id"],
    ] as const) {
      const rows = remote.authority.prepare(`SELECT * FROM ${table} ORDER BY ${order}`).all();
      expect(await db.table(table).count()).toBe(rows.length);
      expect((await all(db.table(table).scan())).map((row) => Object.entries(row).flat().join())).toEqual(
        plain(rows).map((row) => Object.entries(row).flat().join()),
      );
    }
    const byName = remote.authority.prepare("SELECT * FROM person WHERE name > 'name 3' ORDER BY name").all();
    expect(await all(db.index("person_name").range({ from: { key: "name 3", inclusive: false } }))).toEqual(
      plain(byName),
    );
  });

  it("keeps what came at its path, and reads it without the remote", async () => {
    const remote = await served();
    const path = join(remote.directory, "replica.db");
    const first = await overIt(remote, { path });
    const row = await first.table("person").get(1234);
    await first.close();
    const again = await open(undefined, { path });
    onTestFinished(() => again.close());
    expect(await again.table("person").get(1234)).toEqual(row);
    expect(await codeOf(again.table("person").get(4000))).toMatch(/^OFFLINE/);
  });
});

describe("rows", () => {
  const VALUES = `
    CREATE TABLE v (id INTEGER PRIMARY KEY, a, b TEXT, c REAL, d BLOB, e INT);
    INSERT INTO v VALUES (1, NULL, 'é𝄞', 2, x'00ff', 9007199254740991), (2, 'x', '', 2.5, zeroblob(3000), 9007199254740993),
      (-5, 1e300, 'text', NULL, '', -9223372036854775808);
    ALTER TABLE v ADD COLUMN f DEFAULT 'later';
    ALTER TABLE v ADD COLUMN g INT DEFAULT 7;
    ALTER TABLE v ADD COLUMN h;
    INSERT INTO v VALUES (9, 1, 2, 3, 4, 5, 6, 7, 8);
  `;

  it.each(["UTF-8", "UTF-16le", "UTF-16be"])("have the values of SQLite, in %s", async (encoding) => {
    const { db } = await openSample(sampleDatabase(`PRAGMA encoding = '${encoding}'; ${VALUES}`));
    expect(await all(db.table("v").scan())).toEqual([
      { id: -5, a: 1e300, b: "text", c: null, d: "", e: -9223372036854775808n, f: "later", g: 7, h: null },
      {
        id: 1,
        a: null,
        b: "é𝄞",
        c: 2,
        d: Uint8Array.of(0, 255),
        e: 9007199254740991,
        f: "later",
        g: 7,
        h: null,
      },
      {
        id: 2,
        a: "x",
        b: "",
        c: 2.5,
        d: new Uint8Array(3000),
        e: 9007199254740993n,
        f: "later",
        g: 7,
        h: null,
      },
      { id: 9, a: 1, b: "2", c: 3, d: 4, e: 5, f: 6, g: 7, h: 8 },
    ]);
  });

  it("have every INTEGER as a bigint where that is asked for, and no REAL", async () => {
    const { db } = await openSample(sampleDatabase(VALUES), { bigints: true });
    expect(await db.table("v").get(9n, { columns: ["rowid", "a", "c", "g"] })).toEqual({
      rowid: 9n,
      a: 1n,
      c: 3,
      g: 7n,
    });
  });

  it("are arrays where that is asked for", async () => {
    const { db } = await openSample(sampleDatabase(VALUES));
    expect(await db.table("v").get(9, { raw: true })).toEqual([9, 1, "2", 3, 4, 5, 6, 7, 8]);
    expect(await db.table("v").get(9, { raw: true, columns: ["g", "ID"] })).toEqual([7, 9]);
  });

  it("show the row id by its names where no column has them", async () => {
    const { db } = await openSample(
      sampleDatabase("CREATE TABLE t (oid TEXT, x); INSERT INTO t (rowid, oid, x) VALUES (41, 'mine', 1)"),
    );
    expect(await all(db.table("t").scan({ columns: ["x", "oid", "_rowid_", "rowid"] }))).toEqual([
      { x: 1, oid: "mine", _rowid_: 41, rowid: 41 },
    ]);
  });

  it("leave out what is computed, and say so when it is asked for", async () => {
    const { db } = await openSample(
      sampleDatabase(
        "CREATE TABLE t (a, b AS (a + 1), c AS (a + 2) STORED); INSERT INTO t VALUES (1); CREATE INDEX i ON t (b)",
      ),
    );
    expect(await all(db.table("t").scan())).toEqual([{ a: 1, c: 3 }]);
    expect(await codeOf(db.table("t").get(1, { columns: ["b"] }))).toMatch(/^NOT_SUPPORTED: column b/);
    expect(await all(db.index("i").range({ columns: ["b"] }))).toEqual([{ b: 2 }]);
  });

  it("have no other prototype for a column called __proto__", async () => {
    const { db } = await openSample(
      sampleDatabase('CREATE TABLE t ("__proto__", x); INSERT INTO t VALUES (7, 8)'),
    );
    const [row] = await all(db.table("t").scan());
    expect(Object.getPrototypeOf(row)).toBe(Object.prototype);
    expect(Object.entries(row ?? {})).toEqual([
      ["__proto__", 7],
      ["x", 8],
    ]);
  });

  it("of the schema can be read under both of its names", async () => {
    const { db } = await openSample(sampleDatabase("CREATE TABLE t (x)"));
    const [row] = await all(db.table("sqlite_schema").scan());
    expect(row).toEqual({ type: "table", name: "t", tbl_name: "t", rootpage: 2, sql: "CREATE TABLE t (x)" });
    expect(await db.table("SQLITE_MASTER").get(1)).toEqual(row);
  });

  it("of a database of no pages do not exist", async () => {
    const db = await open(undefined, {});
    onTestFinished(() => db.close());
    expect(await db.tables()).toEqual([]);
    expect(await db.header()).toBeUndefined();
    expect(await codeOf(db.table("t").count())).toBe("INVALID_OPTION: there is no table t; there are none");
  });
});

describe("ranges", () => {
  const WORDS = `
    CREATE TABLE n (id INTEGER PRIMARY KEY, half INT, word TEXT COLLATE NOCASE, note TEXT);
    WITH RECURSIVE s (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 3000)
    INSERT INTO n SELECT i * 2, i / 2, printf('%s%04d', CASE i % 2 WHEN 1 THEN 'W' ELSE 'w' END, i * 7 % 3000), 'note' FROM s;
    CREATE INDEX n_word ON n (word);
    CREATE INDEX n_half ON n (half DESC, word);
    CREATE INDEX n_partial ON n (half) WHERE half > 1400;
    CREATE INDEX n_expr ON n (id % 10, half);
    CREATE TABLE w (a TEXT, b INT, c, PRIMARY KEY (b, a)) WITHOUT ROWID;
    INSERT INTO w SELECT word, half, id FROM n;
    CREATE INDEX w_c ON w (c);
  `;
  const sample = () => sampleDatabase(WORDS, 1024);

  it.each([
    ["between row ids", { from: 100, to: 121 }, "id BETWEEN 100 AND 121 ORDER BY id"],
    ["between row ids that are not there", { from: 99, to: 103 }, "id BETWEEN 99 AND 103 ORDER BY id"],
    ["backwards", { from: 100, to: 121, reverse: true }, "id BETWEEN 100 AND 121 ORDER BY id DESC"],
    [
      "without its ends",
      { from: { key: 100, inclusive: false }, to: { key: 120, inclusive: false } },
      "id > 100 AND id < 120 ORDER BY id",
    ],
    ["open below", { to: 40 }, "id <= 40 ORDER BY id"],
    ["open above", { from: 5990n }, "id >= 5990 ORDER BY id"],
    ["with a limit", { from: 7, limit: 5 }, "id >= 7 ORDER BY id LIMIT 5"],
    ["backwards with a limit", { reverse: true, limit: 5 }, "1 ORDER BY id DESC LIMIT 5"],
    ["the wrong way round", { from: 20, to: 10 }, "0"],
    ["with limit 0", { limit: 0 }, "0"],
  ])("of a table %s", async (_, range, where) => {
    const { db, authority } = await openSample(sample());
    expect(await all(db.table("n").scan(range))).toEqual(
      plain(authority.prepare(`SELECT * FROM n WHERE ${where}`).all()),
    );
  });

  it.each([
    ["of a prefix of the key", { from: 700, to: 702 }, "b BETWEEN 700 AND 702 ORDER BY b, a"],
    ["of a whole key", { from: [700, "w0"], to: [702, "W9"] }, "(b, a) BETWEEN (700, 'w0') AND (702, 'W9')"],
    ["backwards", { from: 1490, reverse: true }, "b >= 1490 ORDER BY b DESC, a DESC"],
  ])("of a WITHOUT ROWID table %s", async (_, range, where) => {
    const { db, authority } = await openSample(sample());
    const rows = authority.prepare(`SELECT * FROM w WHERE ${where}`).all();
    expect(rows.length).toBeGreaterThan(1);
    expect(await all(db.table("w").scan(range))).toEqual(plain(rows));
  });

  it.each([
    ["n_word", { from: "W0100", to: "w0109" }, "word BETWEEN 'w0100' AND 'w0109' ORDER BY word, id"],
    ["n_word", { from: "w0100", limit: 300 }, "word >= 'w0100' ORDER BY word, id LIMIT 300"],
    ["n_word", { reverse: true, limit: 7 }, "1 ORDER BY word DESC, id DESC LIMIT 7"],
    ["n_half", { from: 500, to: 495 }, "half BETWEEN 495 AND 500 ORDER BY half DESC, word"],
    ["n_half", { from: [500, "W"], to: 499 }, "half IN (499, 500) ORDER BY half DESC, word"],
    ["n_partial", {}, "half > 1400 ORDER BY half, id"],
    [
      "n_expr",
      { from: [4, 1000], to: [4, 1010] },
      "id % 10 = 4 AND half BETWEEN 1000 AND 1010 ORDER BY half",
    ],
  ])("of index %s give the rows of the table: %o", async (index, range, where) => {
    const { db, authority } = await openSample(sample());
    const rows = authority.prepare(`SELECT * FROM n WHERE ${where}`).all();
    expect(rows.length).toBeGreaterThan(1);
    expect(await all(db.index(index).range(range))).toEqual(plain(rows));
  });

  it("of an index of a WITHOUT ROWID table give its rows", async () => {
    const { db, authority } = await openSample(sample());
    expect(await all(db.index("w_c").range({ from: 100, to: 140 }))).toEqual(
      plain(authority.prepare("SELECT * FROM w WHERE c BETWEEN 100 AND 140 ORDER BY c").all()),
    );
  });

  it("of keys only give what the index holds", async () => {
    const { db } = await openSample(sample());
    const range = { from: 500, to: 500, keysOnly: true };
    expect(await all(db.index("n_half").range(range))).toEqual(
      [
        { half: 500, word: "W1007", id: 2002 },
        { half: 500, word: "w1000", id: 2000 },
      ].sort((a, b) => a.id - b.id),
    );
    expect(await all(db.index("n_half").range({ ...range, raw: true, columns: ["rowid"] }))).toEqual([
      [2000],
      [2002],
    ]);
    expect(await all(db.index("n_expr").range({ from: [4, 1000], limit: 1, keysOnly: true }))).toEqual([
      { "expression 1": 4, half: 1001, id: 4004 },
    ]);
    expect(await codeOf(all(db.index("n_half").range({ keysOnly: true, columns: ["note"] })))).toMatch(
      /^INVALID_OPTION.*note/,
    );
  });

  it("find rows by primary key", async () => {
    const { db } = await openSample(sample());
    expect(await db.table("w").get([500, "w1000"])).toEqual({ a: "w1000", b: 500, c: 2000 });
    expect(await db.table("w").get([500, "w9999"])).toBeUndefined();
    expect(await db.table("n").getMany([2, 3, 4], { columns: ["id"] })).toEqual([
      { id: 2 },
      undefined,
      { id: 4 },
    ]);
  });
});

describe("what cannot be read", () => {
  const ODD = `
    CREATE TABLE t (a, b);
    CREATE VIEW v AS SELECT * FROM t;
    CREATE VIRTUAL TABLE f USING fts5 (x);
    CREATE TABLE w (k TEXT PRIMARY KEY, x) WITHOUT ROWID;
    CREATE INDEX t_a ON t (a);
  `;
  it.each([
    ["a view", (db: Reader) => db.table("v").get(1), /^NOT_SUPPORTED: v is a view/],
    ["a virtual table", (db: Reader) => db.table("f").count(), /^NOT_SUPPORTED: f is a virtual table/],
    [
      "no table",
      (db: Reader) => all(db.table("x").scan()),
      /^INVALID_OPTION: there is no table x; there are t, /,
    ],
    ["no index", (db: Reader) => all(db.index("x").range()), /^INVALID_OPTION: there is no index x/],
    ["no column", (db: Reader) => db.table("t").get(1, { columns: ["z"] }), /no column z; it has a, b/],
    ["a text for a row id", (db: Reader) => db.table("t").get("1"), /^INVALID_OPTION.*"1"/],
    ["a fraction for a row id", (db: Reader) => db.table("t").get(1.5), /^INVALID_OPTION.*1.5/],
    [
      "too long a key",
      (db: Reader) => db.table("w").get(["a", "b"]),
      /^INVALID_OPTION.*1 to 1 values, got 2/,
    ],
    ["NaN in a key", (db: Reader) => all(db.index("t_a").range({ from: Number.NaN })), /^INVALID_OPTION/],
    [
      "a misspelt end of a scan",
      (db: Reader) => all(db.table("t").scan({ form: 5 } as never)),
      /^INVALID_OPTION: unknown option form; known are columns, raw, signal, from/,
    ],
    [
      "a misspelt end of a range",
      (db: Reader) => all(db.index("t_a").range({ form: 5 } as never)),
      /^INVALID_OPTION: unknown option form/,
    ],
    [
      "an option of scans for a row",
      (db: Reader) => db.table("t").get(1, { limit: 5 } as never),
      /^INVALID_OPTION: unknown option limit/,
    ],
    ["a negative limit", (db: Reader) => all(db.table("t").scan({ limit: -1 })), /^INVALID_OPTION: limit/],
  ])("is %s, and the error says so", async (_, use, message) => {
    const { db } = await openSample(sampleDatabase(ODD));
    expect(await codeOf(use(db))).toMatch(message);
  });

  it("is an option nobody knows", async () => {
    expect(await codeOf(open("http://server", { partialSync: {} } as OpenOptions))).toMatch(
      /^INVALID_OPTION: unknown option partialSync/,
    );
    expect(await codeOf(open("ftp://server"))).toMatch(/^INVALID_OPTION: option url/);
  });
});

describe("the schema", () => {
  it("is read from many pages, and tells columns", async () => {
    const tables = Array.from(
      { length: 60 },
      (_, i) => `CREATE TABLE t${i} (id INTEGER PRIMARY KEY, a TEXT, b REAL);`,
    );
    const { db } = await openSample(sampleDatabase(tables.join("\n"), 512));
    const schema = await db.schema();
    expect(schema.tables).toHaveLength(60);
    expect((await db.tables())[7]?.columns.map(({ name, affinity }) => [name, affinity])).toEqual([
      ["id", "INTEGER"],
      ["a", "TEXT"],
      ["b", "REAL"],
    ]);
    expect((await db.header())?.pageSize).toBe(512);
  });
});

describe("a file made by SQLite", () => {
  it("is read while SQLite has it open", async () => {
    const remote = await served();
    const file = join(remote.directory, "other.db");
    const authority = new DatabaseSync(file);
    authority.exec("CREATE TABLE t (x); INSERT INTO t VALUES (1)");
    const db = await opened(pathToFileURL(file).href, {});
    expect(await all(db.table("t").scan())).toEqual([{ x: 1 }]);
    authority.close();
  });
});
