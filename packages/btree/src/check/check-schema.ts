import type { PageNo } from "@lacuna/page";
import type { Index, Schema, SchemaRow, Table } from "../schema.ts";
import { foldName, SqlSyntaxError } from "../sql-tokens.ts";
import type { CheckContext } from "./check-context.ts";
import { type Created, readStatement } from "./statement-grammar.ts";

const STRICT_TYPE = /^(INT|INTEGER|REAL|TEXT|BLOB|ANY)$/i;

/**
 * Finds the rows of `sqlite_schema` for which SQLite would not open the database: statements that it does not accept, that
 * make something else than their row says, that make a name twice, or that are about what does not exist.
 */
export function checkSchema(context: CheckContext, rows: readonly SchemaRow[], schema: Schema): void {
  const names: Names = {
    tables: byName(schema.tables),
    indexes: byName(schema.indexes),
    known: new Set(),
    columns: new Map(),
  };
  for (const row of rows) {
    const problem = problemOf(row, names, context.format.pageCount);
    if (problem === undefined) continue;
    const origin = 1 as PageNo;
    context.report(origin, 0, `the statement of ${row.name} is not understood: ${problem}`, origin);
  }
}

interface Names {
  readonly tables: ReadonlyMap<string, Table>;
  readonly indexes: ReadonlyMap<string, Index>;
  /** What the rows before made, with its type. Tables and views share their names. */
  readonly known: Set<string>;
  /** Of the tables before, made once for all of their indexes. */
  readonly columns: Map<Table, ReadonlySet<string>>;
}

/** The first of each name. */
function byName<T extends { readonly name: string }>(list: readonly T[]): ReadonlyMap<string, T> {
  return new Map(list.toReversed().map((item) => [foldName(item.name), item]));
}

function problemOf(
  row: SchemaRow,
  { tables, indexes, known, columns }: Names,
  pageCount: number,
): string | undefined {
  const { name, tableName, rootPage, sql } = row;
  const type = foldName(row.type);
  if (sql === null) {
    // What SQLite makes for a constraint.
    return type === "index" ? indexes.get(foldName(name))?.problem : `expected SQL for the ${row.type}`;
  }
  let created: Created;
  try {
    created = readStatement(sql);
  } catch (error) {
    if (error instanceof SqlSyntaxError) return error.message;
    throw error;
  }
  const said = [type, foldName(name), foldName(tableName)].join(" ");
  const made = [created.type, foldName(created.name), foldName(created.tableName)].join(" ");
  if (said !== made) return `expected to make ${said}, found ${made}`;

  const key = `${type === "view" ? "table" : type} ${foldName(name)}`;
  if (known.has(key)) return `expected one ${type} of this name, found another`;
  known.add(key);

  if (type === "view" || type === "trigger") {
    if (rootPage !== undefined && rootPage > pageCount) return `expected no root page, found ${rootPage}`;
    const isThere = type === "view" || known.has(`table ${foldName(tableName)}`);
    return isThere ? undefined : `expected a table ${tableName} before it`;
  }
  const table = tables.get(foldName(tableName));
  if (type === "index") {
    if (!known.has(`table ${foldName(tableName)}`)) return `expected a table ${tableName} before it`;
    if (table === undefined || table.virtual) {
      return `expected a table that can be indexed, found ${tableName}`;
    }
  }
  const own = type === "table" ? table?.problem : indexes.get(foldName(name))?.problem;
  if (own !== undefined || table === undefined || table.virtual || table.problem !== undefined) return own;
  if (type === "table") {
    const problem = columnProblem(table);
    if (problem !== undefined) return problem;
    columns.set(table, new Set(table.columns.map((column) => foldName(column.name))));
  }
  const unknown = created.columnsUsed.find((column) => columns.get(table)?.has(column) === false);
  return unknown === undefined ? undefined : `expected a column of ${table.name}, found ${unknown}`;
}

function columnProblem({ columns, strict }: Table): string | undefined {
  const names = new Set<string>();
  for (const { name, type } of columns) {
    if (names.has(foldName(name))) return `expected one column ${name}, found another`;
    names.add(foldName(name));
    if (strict && !STRICT_TYPE.test(type))
      return `expected a type of STRICT tables for ${name}, found ${type || "none"}`;
  }
  return undefined;
}
