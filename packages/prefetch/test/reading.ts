import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import {
  advance,
  findByName,
  IndexWalk,
  type KeyColumn,
  parseDatabaseHeader,
  runTaskSync,
  SchemaTask,
  TableWalk,
  type TreeFormat,
  treeFormat,
  type Value,
  type Walk,
} from "@lacuna/btree";
import { SegmentCache } from "@lacuna/cache";
import { type PageNo, type PageSource, type Predictor, pageNo, type ReadOptions } from "@lacuna/page";
import { memoryStore } from "@lacuna/storage/memory";
import { databaseFromFile, laterTurn, RecordingTransport, type RemoteDatabase } from "@lacuna/testkit";
import { type Peek, withPrefetch } from "../src/index.ts";

/** A database that SQLite made. */
export interface MadeDatabase {
  readonly database: RemoteDatabase;
  readonly format: TreeFormat;
  root(name: string): PageNo;
  key(index: string): readonly KeyColumn[];
}

/** Makes a database by SQL; `n` in it is a table of the numbers from 1 to 100,000. */
export function makeDatabase(sql: string, pageSize = 1024): MadeDatabase {
  const folder = mkdtempSync(join(tmpdir(), "lacuna-prefetch-"));
  try {
    const path = join(folder, "made.db");
    const db = new DatabaseSync(path);
    db.exec(`PRAGMA page_size = ${pageSize}; PRAGMA synchronous = off;
      CREATE TEMP TABLE n(i INTEGER PRIMARY KEY);
      WITH RECURSIVE s(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM s WHERE i < 100000)
      INSERT INTO n SELECT i FROM s; ${sql}`);
    db.close();
    const database = databaseFromFile(readFileSync(path), { pageSize });
    const header = parseDatabaseHeader(database.page(pageNo(1)));
    const { pageCount } = database.shape;
    const schema = runTaskSync(new SchemaTask(header, pageCount), database.page);
    return {
      database,
      format: treeFormat(header, pageCount),
      root: (name) =>
        (findByName(schema.tables, name) ?? findByName(schema.indexes, name))?.rootPage ?? pageNo(1),
      key: (index) => findByName(schema.indexes, index)?.key ?? [],
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A cold cache that fetches pages singly, under the predictors that `make` makes. */
export async function coldReader(
  { database }: MadeDatabase,
  make: (options: { usableSize: number; peek: Peek }) => Predictor | readonly Predictor[],
) {
  const transport = new RecordingTransport(database);
  const store = memoryStore();
  const { shape } = database;
  await store.reset(shape);
  const cache = new SegmentCache({ transport, store, shape, segmentBytes: 1 });
  const peek: Peek = (page) => cache.glance(page);
  const source = withPrefetch(cache, make({ usableSize: shape.pageSize, peek }));
  return {
    transport,
    cache,
    source,
    /** Requests so far, and pages fetched that nobody read. */
    async cost() {
      await laterTurn();
      const { requests, prefetch } = cache.stats();
      return { requests, unread: prefetch.unread, used: prefetch.used + prefetch.late };
    },
  };
}

async function next(walk: Walk, source: PageSource, options?: ReadOptions): Promise<boolean> {
  for (;;) {
    const step = advance(walk, (page) => source.peek(page));
    if (typeof step === "boolean") return step;
    walk.supply(step, await source.read(step, options));
  }
}

export interface RangeOptions extends ReadOptions {
  readonly from?: readonly Value[] | undefined;
  readonly to?: readonly Value[] | undefined;
  readonly reverse?: boolean | undefined;
  readonly limit?: number | undefined;
}

/** Reads a range of an index and the row of each entry, one after the other, as SQLite does. */
export async function readByIndex(
  source: PageSource,
  made: MadeDatabase,
  [index, table]: readonly [string, string],
  { from, to, reverse, limit = Number.POSITIVE_INFINITY, ...options }: RangeOptions,
): Promise<number> {
  const bounds = {
    ...(from === undefined ? {} : { from: { key: from } }),
    ...(to === undefined ? {} : { to: { key: to } }),
  };
  const entries = new IndexWalk(made.format, made.root(index), made.key(index), { ...bounds, reverse });
  let rows = 0;
  while (rows < limit && (await next(entries, source, options))) {
    const rowid = entries.record.values().at(-1) as number;
    await readRow(source, made, table, rowid, options);
    rows++;
  }
  return rows;
}

/** Reads all values of one row. */
export async function readRow(
  source: PageSource,
  made: MadeDatabase,
  table: string,
  rowid: number,
  options?: ReadOptions,
): Promise<Value[]> {
  const walk = new TableWalk(made.format, made.root(table), { from: rowid, to: rowid });
  if (!(await next(walk, source, options))) throw new Error(`no row ${rowid} in ${table}`);
  return walk.record.values();
}

/** Reads all values of the rows of a table, or of the first of them. */
export async function readRows(
  source: PageSource,
  made: MadeDatabase,
  table: string,
  limit = Number.POSITIVE_INFINITY,
  options?: ReadOptions,
): Promise<number> {
  const walk = new TableWalk(made.format, made.root(table));
  let rows = 0;
  while (rows < limit && (await next(walk, source, options))) {
    walk.record.values();
    rows++;
  }
  return rows;
}
