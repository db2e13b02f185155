import type { DatabaseSync } from "node:sqlite";
import { findByName, type Schema, type Table, type Value } from "@lacuna/btree";
import type { Image } from "./image.ts";
import { cell, digest, rowsOf } from "./image-rows.ts";
import { count, fail } from "./tally.ts";

/** SQLite may answer from an index that has every column, in its order. */
function sameInAnotherOrder(db: DatabaseSync | undefined, image: Image, table: Table): boolean {
  const told = db === undefined ? undefined : rowsOfSqlite(db, table);
  const sorted = (rows: Iterable<unknown>): string =>
    Array.from(rows, (row) => JSON.stringify(row))
      .sort()
      .join("\n");
  count("tables compared in another order");
  return told !== undefined && sorted(told) === sorted(rowsOf(image, table));
}

/** The rows as SQLite reads them; `undefined` if it does not. */
export function rowsOfSqlite(db: DatabaseSync, table: Table): unknown[][][] | undefined {
  try {
    const statement = db.prepare(`SELECT * FROM ${quote(table.name)} NOT INDEXED`);
    statement.setReadBigInts(true);
    const names = statement.columns().map(({ name }) => name);
    return statement.all().map((row) => names.map((name) => cell(row[name] as Value, undefined)));
  } catch {
    return undefined;
  }
}

/** The rows of every table, against their digests. */
export function checkTables(
  path: string,
  image: Image,
  schema: Schema,
  expected: Record<string, [number, string]>,
  db?: DatabaseSync,
): void {
  for (const [name, [rows, sha]] of Object.entries(expected)) {
    const table = findByName(schema.tables, name);
    if (table === undefined) fail(path, `table ${name} is not in the schema`);
    else {
      try {
        const [found, digestFound] = digest(rowsOf(image, table));
        count("tables compared");
        count("rows compared", found);
        if (found !== rows || (digestFound !== sha && !sameInAnotherOrder(db, image, table))) {
          fail(path, `${name}: ${found} rows, expected ${rows}, or other values`);
        }
      } catch (error) {
        fail(path, `${name}: ${error}`);
      }
    }
  }
}

export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;

/** Columns and their facts, against PRAGMA table_xinfo. */
export function checkColumns(path: string, db: DatabaseSync, table: Table): void {
  count("tables parsed");
  if (table.virtual) return;
  const info = db.prepare(`PRAGMA table_xinfo(${quote(table.name)})`).all();
  const hidden = { virtual: 2, stored: 3 } as const;
  const told = info.map((row) => [row["name"], String(row["type"]).toUpperCase(), row["hidden"]]);
  const ours = table.columns.map(({ name, type, generated }) => [
    name,
    type.toUpperCase(),
    generated ? hidden[generated] : 0,
  ]);
  if (JSON.stringify(told) !== JSON.stringify(ours)) {
    fail(
      path,
      `${table.name}: ${table.problem ?? ""} columns ${JSON.stringify(ours)}, expected ${JSON.stringify(told)}`,
    );
  }
}
