import type { PageNo } from "@lacuna/page";
import { findByName, type Schema, type SchemaRow, type Table } from "../schema.ts";
import { foldName, SqlSyntaxError } from "../sql-tokens.ts";
import type { CheckContext } from "./check-context.ts";
import { type Created, readStatement } from "./statement-grammar.ts";

const STRICT_TYPE = /^(INT|INTEGER|REAL|TEXT|BLOB|ANY)$/i;

/**
 * Finds the rows of `sqlite_schema` for which SQLite would not open the database: statements that it does not accept, that
 * make something else than their row says, that make a name twice, or that are about what does not exist.
 */
export function checkSchema(context: CheckContext, rows: readonly SchemaRow[], schema: Schema): void {
  const known = new Set<string>();
  for (const row of rows) {
    const problem = problemOf(row, schema, known, context.format.pageCount);
    if (problem === undefined) continue;
    const origin = 1 as PageNo;
    context.report(origin, 0, `the statement of ${row.name} is not understood: ${problem}`, origin);
  }
}

/** @param known what the rows before made; what this one makes is added */
function problemOf(
  row: SchemaRow,
  { tables, indexes, views }: Schema,
  known: Set<string>,
  pageCount: number,
): string | undefined {
  const { name, tableName, rootPage, sql } = row;
  const type = foldName(row.type);
  if (sql === null) {
    // What SQLite makes for a constraint.
    return type === "index" ? findByName(indexes, name)?.problem : `expected SQL for the ${row.type}`;
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

  // Tables and views share their names.
  const key = `${type === "view" ? "table" : type} ${foldName(name)}`;
  if (known.has(key)) return `expected one ${type} of this name, found another`;
  known.add(key);

  if (type === "view" || type === "trigger") {
    if (rootPage !== undefined && rootPage > pageCount) return `expected no root page, found ${rootPage}`;
    const isThere = type === "view" || known.has(`table ${foldName(tableName)}`);
    return isThere ? undefined : `expected a table ${tableName} before it`;
  }
  const table = findByName(tables, tableName);
  if (type === "index") {
    if (!known.has(`table ${foldName(tableName)}`)) return `expected a table ${tableName} before it`;
    if (table === undefined || table.virtual || findByName(views, tableName)) {
      return `expected a table that can be indexed, found ${tableName}`;
    }
  }
  const own = type === "table" ? table?.problem : findByName(indexes, name)?.problem;
  if (own !== undefined || table === undefined || table.virtual || table.problem !== undefined) return own;
  return type === "table"
    ? (columnProblem(table) ?? unknownColumn(created, table))
    : unknownColumn(created, table);
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

function unknownColumn({ columnsUsed }: Created, { name, columns }: Table): string | undefined {
  const names = new Set(columns.map((column) => foldName(column.name)));
  const unknown = columnsUsed.find((column) => !names.has(column));
  return unknown === undefined ? undefined : `expected a column of ${name}, found ${unknown}`;
}
