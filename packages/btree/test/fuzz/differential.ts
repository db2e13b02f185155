import { readFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { PageNo } from "@lacuna/page";
import { CheckTask } from "../../src/check/index.ts";
import {
  findByName,
  forEachEntrySync,
  type Index,
  IndexWalk,
  type KeyBound,
  runTaskSync,
  type Table,
  TableWalk,
  treeFormat,
  type Value,
} from "../../src/index.ts";
import { ask, quote, rowsOf, schemaOf } from "../authority.ts";
import { inTemporaryDirectory, type SqliteFile, sqliteFile } from "../sqlite-file.ts";
import { type Random, seeded } from "./random.ts";

const TYPES = ["", "INT", "INTEGER", "TEXT", "REAL", "BLOB", "NUMERIC", "VARCHAR(20)", "DOUBLE"];
const COLLATIONS = ["BINARY", "NOCASE", "RTRIM"];
const WORDS = [
  "",
  "a",
  "A",
  "b ",
  "b",
  "B",
  "Zebra",
  "zebra",
  "ähnlich",
  "Ähnlich",
  "日本",
  "😀 ",
  "x\0y",
  "X\0z",
  "0",
  "12",
  "1.5",
];

function randomValue(random: Random): Value {
  switch (random.int(9)) {
    case 0:
      return null;
    case 1:
      return BigInt(random.int(5)) - 2n;
    case 2:
      return BigInt.asIntN(
        8 * (1 + random.int(8)),
        BigInt(random.int(2 ** 32)) * BigInt(random.int(2 ** 32)),
      );
    case 3:
      return random.pick([0.5, -1.25, 1e300, -1e-300, 2 ** 53, 1, 0, Number.NEGATIVE_INFINITY]);
    case 4:
      return Uint8Array.from({ length: random.int(30) }, () => random.int(4) * 85);
    case 5:
      return random.oneIn(6) ? new Uint8Array(random.int(9000)).fill(random.int(256)) : new Uint8Array(0);
    case 6:
      return random.pick(WORDS).repeat(random.oneIn(5) ? random.int(900) : 1);
    default:
      return random.pick(WORDS) + random.pick(WORDS);
  }
}

interface Made {
  readonly file: SqliteFile;
  /** The same database, open. */
  readonly db: DatabaseSync;
}

function statements(random: Random): string[] {
  const columns = Array.from({ length: 1 + random.int(6) }, (_, at) => {
    const collation = random.oneIn(3) ? ` COLLATE ${random.pick(COLLATIONS)}` : "";
    return `c${at} ${random.pick(TYPES)}${collation}`;
  });
  const term = (): string => {
    const collation = random.oneIn(3) ? ` COLLATE ${random.pick(COLLATIONS)}` : "";
    return `c${random.int(columns.length)}${collation}${random.oneIn(2) ? " DESC" : ""}`;
  };
  const terms = (): string => Array.from({ length: 1 + random.int(3) }, term).join(", ");
  const kind = random.int(4);
  const table = [
    `CREATE TABLE t(${columns}, PRIMARY KEY(${terms()})) WITHOUT ROWID`,
    `CREATE TABLE t(id INTEGER PRIMARY KEY, ${columns})`,
    `CREATE TABLE t(${columns}, UNIQUE(${terms()}))`,
    `CREATE TABLE t(${columns})`,
  ][kind] as string;
  const indexes = Array.from({ length: random.int(4) }, (_, at) => `CREATE INDEX i${at} ON t(${terms()})`);
  return [table, ...indexes];
}

function build(random: Random, directory: string): Made {
  const pragmas = [
    `PRAGMA page_size = ${512 << random.int(8)}`,
    `PRAGMA encoding = '${random.pick(["UTF-8", "UTF-8", "UTF-16le", "UTF-16be"])}'`,
    `PRAGMA auto_vacuum = ${random.int(3)}`,
  ];
  const work: [string, Value[]][] = [...pragmas, ...statements(random)].map((sql) => [sql, []]);
  const columns = (work[3]?.[0].match(/\bc\d /g) ?? []).map((name) => name.trim());
  const names = [...new Set(columns)].filter((name) => work[3]?.[0].includes(`${name} `));
  const declared = names.filter((name, at) => names.indexOf(name) === at);
  for (let row = random.int(250); row > 0; row--) {
    const values = declared.map(() => randomValue(random));
    work.push([`INSERT OR IGNORE INTO t(${declared}) VALUES (${declared.map(() => "?")})`, values]);
    if (random.oneIn(6))
      work.push([`DELETE FROM t WHERE ${random.pick(declared)} = ?`, [randomValue(random)]]);
    if (random.oneIn(9))
      work.push([
        `UPDATE OR IGNORE t SET ${random.pick(declared)} = ? WHERE ${random.pick(declared)} < ?`,
        [randomValue(random), randomValue(random)],
      ]);
    if (random.oneIn(120))
      work.push(["DELETE FROM t WHERE rowid % 3 = 0".replace("rowid", kindOf(work)), []]);
  }
  if (random.oneIn(3)) {
    work.push(["ALTER TABLE t ADD COLUMN added DEFAULT 'new'", []]);
    work.push([
      `INSERT OR IGNORE INTO t(${declared}, added) VALUES (${declared.map(() => "?")}, NULL)`,
      declared.map(() => randomValue(random)),
    ]);
  }
  const path = join(directory, "made.db");
  const db = new DatabaseSync(path);
  db.exec("PRAGMA synchronous = OFF; PRAGMA journal_mode = MEMORY");
  for (const [sql, values] of work.slice(0, pragmas.length)) db.prepare(sql).all(...values);
  db.exec("BEGIN");
  for (const [sql, values] of work.slice(pragmas.length)) db.prepare(sql).run(...values);
  db.exec("COMMIT");
  return { file: sqliteFile(new Uint8Array(readFileSync(path))), db };
}

const kindOf = (work: [string, Value[]][]): string =>
  work[3]?.[0].includes("WITHOUT ROWID") ? "length(c0)" : "rowid";

/** What JSON cannot tell apart is spelled out. */
function spell(rows: readonly (readonly Value[])[]): string {
  return rows
    .map((row) =>
      row
        .map((value) =>
          value instanceof Uint8Array
            ? `x${Buffer.from(value).toString("hex")}`
            : `${typeof value} ${Object.is(value, -0) ? 0 : value}`,
        )
        .join("|"),
    )
    .join("\n");
}

function expectSame(
  what: string,
  ours: readonly (readonly Value[])[],
  theirs: readonly (readonly Value[])[],
): void {
  const [a, b] = [spell(ours), spell(theirs)];
  if (a !== b)
    throw new Error(`${what}: we read\n${a.slice(0, 200000)}\nSQLite reads\n${b.slice(0, 200000)}`);
}

function checkIndex({ file, db }: Made, table: Table, index: Index, random: Random): void {
  const format = treeFormat(file.header, file.pageCount);
  const names = index.key.map(({ column }) =>
    column === undefined ? "rowid" : quote(table.columns[column]?.name ?? ""),
  );
  const order = index.key.map(
    ({ collation, descending }, at) => `${names[at]} COLLATE ${collation}${descending ? " DESC" : ""}`,
  );
  const isReal = index.key.map(
    ({ column }) => column !== undefined && table.columns[column]?.affinity === "REAL",
  );
  const collect = (options: { from?: KeyBound; to?: KeyBound; reverse?: boolean }): Value[][] => {
    const found: Value[][] = [];
    const walk = new IndexWalk(format, index.rootPage as PageNo, index.key, { ...options, bigints: true });
    forEachEntrySync(walk, file.peek, (entry) => {
      found.push(
        entry.record
          .values()
          .map((value, at) => (isReal[at] && typeof value === "bigint" ? Number(value) : value)),
      );
    });
    return found;
  };
  const compare = comparer(db);
  const all = ask(db, `SELECT ${names} FROM t ORDER BY ${order}`);
  expectSame(`${index.name} ${index.sql}`, collect({}), all);
  for (let times = 0; times < 12; times++) {
    const reverse = random.oneIn(2);
    const bound = (): KeyBound => {
      const source =
        random.oneIn(4) || all.length === 0 ? index.key.map(() => randomValue(random)) : random.pick(all);
      return { key: source.slice(0, 1 + random.int(source.length)), inclusive: random.oneIn(2) };
    };
    const from = random.oneIn(5) ? undefined : bound();
    const to = random.oneIn(5) ? undefined : bound();
    const inRange = all.filter((_, at) => within(compare, index, all[at] as Value[], from, to));
    const found = collect({ ...(from && { from }), ...(to && { to }), reverse });
    expectSame(
      `${index.name} from ${JSON.stringify(from, bigints)} to ${JSON.stringify(to, bigints)} ${reverse}`,
      found,
      reverse ? inRange.reverse() : inRange,
    );
  }
}

const bigints = (_: string, value: unknown): unknown => (typeof value === "bigint" ? `${value}n` : value);

/** Asks SQLite itself how two values compare. Bound values have no affinity, like those of an index. */
function comparer(db: DatabaseSync): (a: Value, b: Value, collation: string) => number {
  const byCollation = new Map(
    COLLATIONS.map((name) => [
      name,
      db.prepare(`SELECT (?1 > ?2 COLLATE ${name}) - (?1 < ?2 COLLATE ${name}) AS sign`),
    ]),
  );
  return (a, b, collation) => {
    if (a === null || b === null) return Number(a !== null) - Number(b !== null);
    return Number(byCollation.get(collation)?.get(a, b)?.["sign"]);
  };
}

function within(
  compare: ReturnType<typeof comparer>,
  index: Index,
  entry: Value[],
  from: KeyBound | undefined,
  to: KeyBound | undefined,
): boolean {
  const order = ({ key }: KeyBound): number => {
    for (const [at, value] of key.entries()) {
      const column = index.key[at];
      const result = compare(entry[at] as Value, value, column?.collation ?? "BINARY");
      if (result !== 0) return column?.descending ? -result : result;
    }
    return 0;
  };
  if (from && order(from) < (from.inclusive ? 0 : 1)) return false;
  return !(to && order(to) > (to.inclusive ? 0 : -1));
}

/** Makes a database from the seed and compares everything that can be read with what SQLite reads. */
export function compareWithSqlite(seed: number): number {
  return inTemporaryDirectory((directory) => compareIn(directory, seed));
}

function compareIn(directory: string, seed: number): number {
  const random = seeded(seed);
  const made = build(random, directory);
  const { file, db } = made;
  const { tables, indexes } = schemaOf(file);
  const table = findByName(tables, "t");
  if (table === undefined) throw new Error("expected table t");
  const order = table.withoutRowid
    ? table.key.map(
        ({ column, collation, descending }) => `c${column} COLLATE ${collation}${descending ? " DESC" : ""}`,
      )
    : ["rowid"];
  const rows = ask(db, `SELECT * FROM t NOT INDEXED ORDER BY ${order}`);
  expectSame(table.sql ?? "", rowsOf(file, table), rows);
  if (!table.withoutRowid) checkRowids(made, table, random);
  for (const index of indexes) checkIndex(made, table, index, random);
  const { findings } = runTaskSync(new CheckTask(file.header, file.pageCount), file.peek);
  if (findings.length > 0) throw new Error(`expected a sound database, found ${JSON.stringify(findings[0])}`);
  db.close();
  return rows.length;
}

function checkRowids({ file, db }: Made, table: Table, random: Random): void {
  for (let times = 0; times < 10; times++) {
    const from = random.oneIn(4) ? undefined : random.int(260);
    const to = random.oneIn(4) ? undefined : random.int(260);
    const reverse = random.oneIn(2);
    const walk = new TableWalk(treeFormat(file.header, file.pageCount), table.rootPage as PageNo, {
      from,
      to,
      reverse,
      fields: 1,
    });
    const found: Value[][] = [];
    forEachEntrySync(walk, file.peek, (row) => found.push([BigInt(row.rowid)]));
    const where = `rowid >= ${from ?? "rowid"} AND rowid <= ${to ?? "rowid"}`;
    expectSame(
      `row ids from ${from} to ${to}`,
      found,
      ask(db, `SELECT rowid FROM t WHERE ${where} ORDER BY rowid ${reverse ? "DESC" : ""}`),
    );
  }
}
