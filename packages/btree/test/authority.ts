import type { DatabaseSync } from "node:sqlite";
import type { PageNo } from "@lacuna/page";
import {
  forEachEntrySync,
  IndexWalk,
  RowReader,
  runTaskSync,
  type Schema,
  SchemaTask,
  type Table,
  TableWalk,
  treeFormat,
  type Value,
} from "../src/index.ts";
import type { SqliteFile } from "./sqlite-file.ts";

/** The schema as the package reads it. */
export function schemaOf(file: SqliteFile): Schema {
  return runTaskSync(new SchemaTask(file.header, file.pageCount), file.peek);
}

/** All rows of a table as the package reads them, INTEGERs as `bigint`. */
export function rowsOf(file: SqliteFile, table: Table): Value[][] {
  const reader = new RowReader(table, { bigints: true });
  const format = treeFormat(file.header, file.pageCount);
  const root = table.rootPage as PageNo;
  const walk = table.withoutRowid
    ? new IndexWalk(format, root, table.key, { bigints: true })
    : new TableWalk(format, root, { bigints: true });
  const rows: Value[][] = [];
  forEachEntrySync(walk, file.peek, (entry) => rows.push(reader.read(entry)));
  return rows;
}

/** What SQLite answers, INTEGERs as `bigint`, rows as arrays. */
export function ask(db: DatabaseSync, sql: string): Value[][] {
  const statement = db.prepare(sql);
  statement.setReadBigInts(true);
  statement.setReturnArrays(true);
  return statement.all() as unknown as Value[][];
}

export const quote = (name: string): string => `"${name.replaceAll('"', '""')}"`;
