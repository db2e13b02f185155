import { createdName, type IndexedColumn, parseIndexedColumns } from "./create-table.ts";
import { TokenReader } from "./sql-tokens.ts";

/** What a CREATE INDEX statement says. */
export interface ParsedIndex {
  readonly name: string;
  readonly tableName: string;
  readonly unique: boolean;
  readonly columns: readonly IndexedColumn[];
  /** True if a WHERE clause leaves rows out. */
  readonly partial: boolean;
}

/** @throws {SqlSyntaxError} if it is not understood */
export function parseCreateIndex(sql: string): ParsedIndex {
  const reader = new TokenReader(sql);
  reader.expect("CREATE");
  const unique = reader.accept("UNIQUE");
  reader.expect("INDEX");
  const name = createdName(reader);
  reader.expect("ON");
  const tableName = reader.name();
  const columns = parseIndexedColumns(reader.parenthesized());
  return { name, tableName, unique, columns, partial: reader.accept("WHERE") };
}
