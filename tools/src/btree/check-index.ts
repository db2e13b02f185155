import type { DatabaseSync } from "node:sqlite";
import {
  findByName,
  forEachEntrySync,
  type Index,
  IndexWalk,
  type Schema,
  type Table,
  treeFormat,
  type Value,
} from "@lacuna/btree";
import { isLacunaError, type PageNo } from "@lacuna/page";
import { quote } from "./check-tables.ts";
import type { Image } from "./image.ts";
import { cell } from "./image-rows.ts";
import { count, fail } from "./tally.ts";

/** Every entry of an index, against what SQLite gives in the order of that index. */
export function checkIndex(path: string, image: Image, db: DatabaseSync, schema: Schema, index: Index): void {
  if (index.problem !== undefined || index.rootPage === undefined) {
    fail(path, `${index.name}: ${index.problem}`);
    return;
  }
  const table = findByName(schema.tables, index.tableName) as Table;
  const where = `${path} ${index.name}`;
  const info = db.prepare(`PRAGMA index_xinfo(${quote(index.name)})`).all();
  const told = info.map((row) => [Number(row["cid"]), String(row["coll"]).toUpperCase(), row["desc"] === 1]);
  const ours = index.key.map(({ column, collation, descending }, at) => {
    return [column ?? (at < index.declared ? -2 : -1), collation, descending];
  });
  if (JSON.stringify(told) !== JSON.stringify(ours)) {
    fail(where, `columns ${JSON.stringify(ours)}, expected ${JSON.stringify(told)}`);
  }
  count("indexes parsed");
  const columns = index.key.map(({ column }, at) => {
    if (column !== undefined) return quote(table.columns[column]?.name ?? "");
    return at < index.declared ? undefined : "rowid";
  });
  if (index.partial || columns.includes(undefined)) return;
  const order = index.key.map(
    ({ descending, collation }, at) => `${columns[at]} COLLATE ${collation}${descending ? " DESC" : ""}`,
  );
  let expected: Record<string, unknown>[];
  try {
    const statement = db.prepare(
      `SELECT ${columns.map((column, at) => `${column} AS c${at}`).join()} FROM ${quote(index.tableName)} INDEXED BY ${quote(index.name)} ORDER BY ${order.join()}`,
    );
    statement.setReadBigInts(true);
    expected = statement.all();
  } catch (error) {
    count(`indexes SQLite itself cannot order (${String(error).slice(0, 60)})`);
    return;
  }
  const realColumns = index.key.map(
    ({ column }) => column !== undefined && table.columns[column]?.affinity === "REAL",
  );
  const spell = (value: Value, at: number): unknown =>
    cell(realColumns[at] && typeof value === "bigint" ? Number(value) : value, undefined);
  const walk = new IndexWalk(treeFormat(image.header, image.pageCount), index.rootPage, index.key, {
    bigints: true,
  });
  const rows: unknown[] = [];
  forEachEntrySync(
    walk,
    (page) => image.peek(page),
    (entry) => rows.push(entry.record.values().map(spell)),
  );
  const wanted = expected.map((row) => index.key.map((_, at) => spell(row[`c${at}`] as Value, at)));
  if (JSON.stringify(rows) !== JSON.stringify(wanted))
    fail(where, `${rows.length} entries, expected ${wanted.length}, or other ones`);
  count("indexes compared");
  count("entries compared", rows.length);
  checkSeeks(where, image, index, rows.length);
}

/** Seeks some of the entries again, by their whole key, in both directions. */
function checkSeeks(where: string, image: Image, index: Index, total: number): void {
  const format = treeFormat(image.header, image.pageCount);
  const peek = (page: PageNo): Uint8Array | undefined => image.peek(page);
  const stride = Math.max(1, Math.floor(total / 50));
  const keys: Value[][] = [];
  let at = 0;
  forEachEntrySync(new IndexWalk(format, index.rootPage as PageNo, index.key), peek, (entry) => {
    if (at++ % stride === 0) keys.push(entry.record.values());
  });
  for (const key of keys) {
    for (const reverse of [false, true]) {
      const found: Value[][] = [];
      try {
        const walk = new IndexWalk(format, index.rootPage as PageNo, index.key, {
          from: { key },
          to: { key },
          reverse,
        });
        forEachEntrySync(walk, peek, (entry) => found.push(entry.record.values()));
      } catch (error) {
        if (isLacunaError(error, "UNSUPPORTED_DATABASE"))
          return void count("indexes with a foreign collation");
        throw error;
      }
      if (found.length !== 1) fail(where, `${found.length} entries for the key ${String(key)}`);
      count("entries sought");
    }
  }
}
