import { closeSync, ftruncateSync, openSync, readFileSync, readSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type PageNo, pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { CheckTask, lockBytePage } from "../src/check/index.ts";
import {
  findByName,
  forEachEntrySync,
  IndexWalk,
  parseDatabaseHeader,
  runTaskSync,
  SCHEMA_TABLE,
  SchemaTask,
  TableWalk,
  treeFormat,
  type Value,
} from "../src/index.ts";
import { ask, rowsOf, schemaOf } from "./authority.ts";
import { inTemporaryDirectory, makeDatabase, type SqliteFile, series, sqliteFile } from "./sqlite-file.ts";

interface Settings {
  readonly pageSize: number;
  readonly autoVacuum: string;
  readonly reservedBytes: number;
}

/**
 * A database with reserved bytes on each page. There is no SQL for it: the one page of an empty database gets its number
 * of reserved bytes, and SQLite keeps to it.
 */
function makeReserved(
  { pageSize, autoVacuum, reservedBytes }: Settings,
  sql: string,
): { file: SqliteFile; rows: Value[][] } {
  return inTemporaryDirectory((directory) => {
    const path = join(directory, "reserved.db");
    const empty = new DatabaseSync(path);
    empty.exec(`PRAGMA page_size = ${pageSize}; PRAGMA auto_vacuum = ${autoVacuum}; PRAGMA user_version = 1`);
    empty.close();
    const page = new Uint8Array(readFileSync(path));
    expect(page).toHaveLength(pageSize);
    page[20] = reservedBytes;
    new DataView(page.buffer).setUint16(105, pageSize - reservedBytes);
    writeFileSync(path, page);
    const db = new DatabaseSync(path);
    db.exec(`PRAGMA synchronous = OFF; ${sql}`);
    const rows = ask(db, "SELECT * FROM t");
    expect(ask(db, "PRAGMA integrity_check")).toEqual([["ok"]]);
    db.close();
    return { file: sqliteFile(new Uint8Array(readFileSync(path))), rows };
  });
}

const SIZES = [512, 1024, 2048, 4096, 8192, 16384, 32768, 65536];
const SETTINGS = SIZES.flatMap((pageSize) =>
  ["NONE", "FULL", "INCREMENTAL"].flatMap((autoVacuum) =>
    [0, 12].map((reservedBytes) => ({ pageSize, autoVacuum, reservedBytes })),
  ),
);

describe("a database", () => {
  it.each(SETTINGS)(
    "of $pageSize bytes a page, auto-vacuum $autoVacuum, $reservedBytes reserved, is read whole",
    (settings) => {
      const { pageSize } = settings;
      const { file, rows } = makeReserved(
        settings,
        `CREATE TABLE t(a, b TEXT); CREATE INDEX i ON t(b, a);
       INSERT INTO t SELECT zeroblob(value * ${pageSize} / 10), hex(zeroblob(value * ${pageSize} / 36)) FROM ${series(24)};
       DELETE FROM t WHERE rowid % 5 = 0;`,
      );
      expect(file.header).toMatchObject({ pageSize, reservedBytes: settings.reservedBytes });
      expect(file.header.usableSize).toBe(pageSize - settings.reservedBytes);
      const { tables, indexes } = schemaOf(file);
      expect(rowsOf(file, tables[0] ?? SCHEMA_TABLE)).toEqual(rows);
      const [index] = indexes;
      let last = "";
      let entries = 0;
      const format = treeFormat(file.header, file.pageCount);
      const walk = new IndexWalk(format, index?.rootPage ?? pageNo(1), index?.key ?? []);
      forEachEntrySync(walk, file.peek, ({ record }) => {
        const text = String(record.value(0));
        expect(text >= last).toBe(true);
        last = text;
        entries++;
      });
      expect(entries).toBe(20);
      const { findings, trees, pages } = runTaskSync(new CheckTask(file.header, file.pageCount), file.peek);
      expect(findings).toEqual([]);
      expect(trees.find(({ kind }) => kind === "index")?.overflowPages).toBeGreaterThan(0);
      expect(pages.use(pageNo(2))).toBe(settings.autoVacuum === "NONE" ? "table-interior" : "pointer-map");
    },
  );

  it("whose trees are up to six levels deep is read and searched", () => {
    let rows: Value[][] = [];
    const file = makeDatabase((db) => {
      db.exec(`PRAGMA page_size = 512; CREATE TABLE t(k TEXT PRIMARY KEY, n INT) WITHOUT ROWID; CREATE TABLE d(a);
        INSERT INTO t SELECT printf('%090d', value * 7919 % 6007), value FROM ${series(6000)};
        INSERT INTO d SELECT zeroblob(400) FROM ${series(6000)}`);
      rows = ask(db, "SELECT * FROM t ORDER BY k");
    });
    const { tables } = schemaOf(file);
    const table = findByName(tables, "t") ?? SCHEMA_TABLE;
    const { trees } = runTaskSync(new CheckTask(file.header, file.pageCount), file.peek);
    expect(trees.map(({ name, depth }) => [name, depth])).toEqual([
      ["sqlite_schema", 1],
      ["t", 6],
      ["d", 4],
    ]);
    expect(rowsOf(file, table)).toEqual(rows);
    const format = treeFormat(file.header, file.pageCount);
    for (let at = 0; at < rows.length; at += 173) {
      const bound = { key: [rows[at]?.[0] ?? null] };
      let steps = 0;
      const walk = new IndexWalk(format, table.rootPage ?? pageNo(1), table.key, {
        from: bound,
        to: bound,
        bigints: true,
      });
      const peek = (page: PageNo): Uint8Array => {
        steps++;
        return file.peek(page);
      };
      const found: Value[][] = [];
      forEachEntrySync(walk, peek, ({ record }) => found.push(record.values()));
      expect(found).toEqual([rows[at]]);
      // From the root to a leaf, and where the entry lies above it, down to the next one.
      expect(steps).toBeLessThanOrEqual(11);
    }
  });

  it.each(["UTF-16le", "UTF-16be"])("of some megabytes in %s is read whole", (encoding) => {
    let rows: Value[][] = [];
    const file = makeDatabase((db) => {
      db.exec(`PRAGMA encoding = '${encoding}'; CREATE TABLE t(a TEXT COLLATE NOCASE, b); CREATE INDEX i ON t(a);
        INSERT INTO t SELECT printf('Größe %d %s 日本 😀', value * 7919 % 9001, hex(zeroblob(value % 90))), value FROM ${series(9000)}`);
      rows = ask(db, "SELECT * FROM t");
    });
    expect(file.bytes.length).toBeGreaterThan(3e6);
    expect(rowsOf(file, findByName(schemaOf(file).tables, "t") ?? SCHEMA_TABLE)).toEqual(rows);
    expect(runTaskSync(new CheckTask(file.header, file.pageCount), file.peek).findings).toEqual([]);
  });
});

describe("a large sparse file", () => {
  /** Grows a database by pages that nobody uses, so that SQLite puts what comes next behind them. */
  function makeSparse(path: string, pages: number): void {
    const db = new DatabaseSync(path);
    db.exec("PRAGMA page_size = 65536; CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 'first')");
    db.close();
    const file = openSync(path, "r+");
    ftruncateSync(file, pages * 65536);
    closeSync(file);
    const first = openSync(path, "r+");
    const header = new Uint8Array(100);
    readSync(first, header, 0, 100, 0);
    new DataView(header.buffer).setUint32(28, pages);
    closeSync(first);
    const patched = openSync(path, "r+");
    writeFileSync(patched, header);
    closeSync(patched);
    const grown = new DatabaseSync(path);
    grown.exec(`PRAGMA synchronous = OFF; INSERT INTO t SELECT value, zeroblob(100000) FROM ${series(30)}`);
    grown.close();
  }

  it.each([
    ["the lock-byte page", 16380, 16385 * 65536],
    ["four gigabytes", 65530, 2 ** 32],
  ])("is read beyond %s", (_, pages, beyond) => {
    inTemporaryDirectory((directory) => {
      const path = join(directory, "sparse.db");
      makeSparse(path, pages);
      const fd = openSync(path, "r");
      const read = (page: number): Uint8Array => {
        const bytes = new Uint8Array(65536);
        readSync(fd, bytes, 0, 65536, (page - 1) * 65536);
        return bytes;
      };
      const header = parseDatabaseHeader(read(1));
      expect(header.pageCountIsValid).toBe(true);
      const pageCount = header.pageCount;
      expect(pageCount).toBeGreaterThan(pages + 30);
      const asked: number[] = [];
      const peek = (page: PageNo): Uint8Array => {
        asked.push(page);
        return read(page);
      };
      const { tables } = runTaskSync(new SchemaTask(header, pageCount), peek);
      const found: Value[] = [];
      forEachEntrySync(
        new TableWalk(treeFormat(header, pageCount), tables[0]?.rootPage ?? pageNo(1)),
        peek,
        ({ record }) => {
          found.push(record.value(0) ?? null);
          if (found.length > 1) expect(record.value(1)).toEqual(new Uint8Array(100000));
        },
      );
      expect(found).toEqual([1, ...Array.from({ length: 30 }, (_, index) => index + 1)]);
      expect(Math.max(...asked) * 65536).toBeGreaterThan(beyond);
      const lock = lockBytePage(65536);
      expect(asked).not.toContain(lock);
      const result = runTaskSync(new CheckTask(header, pageCount), (page) => read(page));
      expect(result.pages.use(lock)).toBe(pageCount >= lock ? "lock-byte" : "unknown");
      expect(result.findings.every(({ message }) => message.includes("neither"))).toBe(true);
      closeSync(fd);
    });
  });
});
