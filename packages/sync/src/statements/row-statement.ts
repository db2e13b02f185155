import type { SqlValue } from "@lacuna/page";
import { RawText, type RowValues } from "@lacuna/protocol";
import type { RowChange } from "../changes/change.ts";
import type { TableFacts } from "../changes/table-facts.ts";
import { quoteName } from "./quote-name.ts";

/** SQL with its positional arguments. */
export interface Sql {
  readonly sql: string;
  readonly args: readonly SqlValue[];
}

/**
 * The statement that repeats a change of a row elsewhere.
 *
 * With a primary key: an insert replaces what has that key, an update sets only the columns that changed, and both an update
 * and a delete find the row by its key as it was. A row whose key has a NULL in it has no key.
 *
 * Without one, an insert just adds a row. An update or delete takes a row that is equal in every column to what it was here, the
 * one with the same row id if there are several, and does nothing where there is none: a row id alone may be that of
 * somebody else's row.
 * @returns `undefined` where there is nothing to repeat
 */
export function rowStatement(change: RowChange): Sql | undefined {
  const { operation, table, after } = change;
  const args: SqlValue[] = [];
  if (operation === "insert") return { sql: insert(table, after, args), args };
  if (operation === "delete")
    return { sql: `DELETE FROM ${quoteName(table.name)} WHERE ${theRow(change, args)}`, args };
  const sets = table.columns.flatMap((_, at) => {
    const value = after[at];
    return value === undefined ? [] : [`${columnName(table, at)} = ${bind(value, args)}`];
  });
  if (sets.length === 0) return undefined;
  return {
    sql: `UPDATE ${quoteName(table.name)} SET ${sets.join(", ")} WHERE ${theRow(change, args)}`,
    args,
  };
}

function hasKey({ key }: TableFacts, values: RowValues): boolean {
  return key.length > 0 && key.every((at) => values[at] !== null && values[at] !== undefined);
}

function insert(table: TableFacts, after: RowValues, args: SqlValue[]): string {
  const told = table.columns.flatMap((_, at) => (after[at] === undefined ? [] : [at]));
  const names = told.map((at) => columnName(table, at));
  const values = told.map((at) => bind(after[at] ?? null, args));
  const plain = `INSERT INTO ${quoteName(table.name)}(${names.join(", ")}) VALUES (${values.join(",")})`;
  if (!hasKey(table, after)) return plain;
  const key = table.key.map((at) => columnName(table, at));
  const sets = names.map((name) => `${name} = excluded.${name}`);
  return `${plain} ON CONFLICT(${key.join(", ")}) DO UPDATE SET ${sets.join(", ")}`;
}

const columnName = ({ columns }: TableFacts, at: number): string => quoteName(columns[at] ?? "");

/**
 * The place of a value in the statement. JSON has no infinities, so they are written out; and a REAL that is a whole number is
 * an INTEGER to whoever binds it, so it is made a REAL again. Text that is not UTF-8 travels as a blob.
 */
function bind(value: SqlValue, args: SqlValue[]): string {
  if (value === Number.POSITIVE_INFINITY) return "9e999";
  if (value === Number.NEGATIVE_INFINITY) return "-9e999";
  args.push(value);
  if (value instanceof RawText) return "CAST(? AS TEXT)";
  return typeof value === "number" && Number.isInteger(value) ? "(? + 0.0)" : "?";
}

/** Finds the row as it was: by its key, or else by all that is known of it. */
function theRow(change: RowChange, args: SqlValue[]): string {
  const { table, before } = change;
  if (!hasKey(table, before)) return oneRow(change, args);
  return table.key.map((at) => `${columnName(table, at)} = ${bind(before[at] ?? null, args)}`).join(" AND ");
}

/** Finds one row that is equal in all that is known of it; letters of another case are not equal, whatever the collation. */
function oneRow({ table, before, rowid }: RowChange, args: SqlValue[]): string {
  const name = rowidName(table);
  const known = table.columns.flatMap((_, at) => (before[at] === undefined ? [] : [at]));
  const where = known.map(
    (at) => `${columnName(table, at)} IS ${bind(before[at] ?? null, args)} COLLATE BINARY`,
  );
  const nearest = rowid === undefined ? "" : `${name} <> ${bind(rowid, args)}, `;
  return `${name} = (SELECT ${name} FROM ${quoteName(table.name)} WHERE ${where.join(" AND ")} ORDER BY ${nearest}${name} LIMIT 1)`;
}

/** A name of the row id that no column has. */
function rowidName({ columns }: TableFacts): string {
  const taken = new Set(columns.map((column) => column.toLowerCase()));
  return ["rowid", "_rowid_", "oid"].find((name) => !taken.has(name)) ?? "rowid";
}
