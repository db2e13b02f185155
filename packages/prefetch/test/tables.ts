import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { childPages } from "@lacuna/btree";
import { SegmentCache } from "@lacuna/cache";
import { type PageNo, type PageSource, pageNo } from "@lacuna/page";
import { memoryStore } from "@lacuna/storage/memory";
import { databaseFromFile, RecordingTransport, type RemoteDatabase } from "@lacuna/testkit";
import { type ScanPredictorOptions, scanPredictor, withPrefetch } from "../src/index.ts";

/** A table in a database that SQLite made, and the leaves of its tree in key order. */
export interface TableFixture {
  readonly database: RemoteDatabase;
  readonly root: PageNo;
  readonly leaves: readonly PageNo[];
  /** The interior pages of its tree, each before its children. */
  readonly interiors: readonly PageNo[];
  /** Pages of the tree: interior pages and leaves. */
  readonly treePages: number;
}

/** Makes table `t` of as many rows, each with a body of random bytes, filled in key order. */
export function makeTable(rows: number, bodyBytes: number, pageSize: number): TableFixture {
  const folder = mkdtempSync(join(tmpdir(), "lacuna-prefetch-"));
  try {
    const path = join(folder, "t.db");
    const db = new DatabaseSync(path);
    db.exec(`PRAGMA page_size = ${pageSize}; PRAGMA synchronous = off;
      CREATE TABLE t (id INTEGER PRIMARY KEY, body BLOB);
      WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
      INSERT INTO t SELECT i, randomblob(${bodyBytes}) FROM n;`);
    const row = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 't'").get();
    db.close();
    const database = databaseFromFile(readFileSync(path), { pageSize });
    const root = pageNo(Number(row?.["rootpage"]));
    const leaves: PageNo[] = [];
    const interiors: PageNo[] = [];
    const collect = (page: PageNo): void => {
      const children = childPages(page, database.page(page), pageSize);
      (children === undefined ? leaves : interiors).push(page);
      for (const child of children ?? []) collect(child);
    };
    collect(root);
    return { database, root, leaves, interiors, treePages: interiors.length + leaves.length };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** A cold cache with segments of one page under a structure predictor. */
export async function coldSource({ database }: TableFixture, options: Partial<ScanPredictorOptions> = {}) {
  const transport = new RecordingTransport(database);
  const store = memoryStore();
  const { shape } = database;
  await store.reset(shape);
  const cache = new SegmentCache({ transport, store, shape, segmentBytes: shape.pageSize });
  const predictor = scanPredictor({
    usableSize: shape.pageSize,
    peek: (page) => cache.peek(page),
    ...options,
  });
  return { transport, cache, predictor, source: withPrefetch(cache, predictor) };
}

const pageOf = async (source: PageSource, page: PageNo): Promise<Uint8Array> =>
  source.peek(page) ?? (await source.read(page));

/**
 * Reads the leaves of a tree in order as SQLite does: an interior page once, on the way to its children, and many pages
 * in one turn while they are in memory.
 */
export async function* scan(
  source: PageSource,
  root: PageNo,
  backwards = false,
): AsyncGenerator<PageNo, void, undefined> {
  const children = childPages(root, await pageOf(source, root), source.pageSize);
  if (children === undefined) {
    yield root;
    return;
  }
  for (const child of backwards ? children.toReversed() : children) yield* scan(source, child, backwards);
}

/** Reads the leaf of one key's place among `leaves` of them, from the root. */
export async function lookUp(source: PageSource, root: PageNo, share: number): Promise<PageNo> {
  let page = root;
  let at = share;
  for (;;) {
    const children = childPages(page, await pageOf(source, page), source.pageSize);
    if (children === undefined) return page;
    const place = Math.min(children.length - 1, Math.floor(at * children.length));
    at = at * children.length - place;
    page = children[place] as PageNo;
  }
}

/** Reads everything a generator yields, at most `limit` of it. */
export async function take<T>(items: AsyncGenerator<T>, limit = Number.POSITIVE_INFINITY): Promise<T[]> {
  const taken: T[] = [];
  for await (const item of items) {
    taken.push(item);
    if (taken.length >= limit) break;
  }
  return taken;
}
