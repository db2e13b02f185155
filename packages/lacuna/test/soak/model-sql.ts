import type { Operation } from "./model-operations.ts";
import type { Row, Table } from "./model-state.ts";

/** The statements of an operation; more than one only where a table comes with its triggers. */
export function sqlOf(operation: Operation, tableOf: (name: string) => Table | undefined): string[] {
  switch (operation.kind) {
    case "create-table":
      return createTable(operation.table);
    case "drop-table":
      return [`DROP TABLE ${operation.table}`];
    case "rename-table":
      return [`ALTER TABLE ${operation.table} RENAME TO ${operation.to}`];
    case "add-column": {
      const { name, type, initial } = operation.column;
      const given = initial === "NULL" ? "" : ` DEFAULT ${initial}`;
      return [`ALTER TABLE ${operation.table} ADD COLUMN ${name} ${type}${given}`];
    }
    case "rename-column":
      return [`ALTER TABLE ${operation.table} RENAME COLUMN ${operation.column} TO ${operation.to}`];
    case "create-index":
      return [`CREATE INDEX ${operation.index} ON ${operation.table}(${operation.column})`];
    case "drop-index":
      return [`DROP INDEX ${operation.index}`];
    default:
  }
  const key = tableOf(operation.table)?.key ?? [];
  if (operation.kind === "update") {
    const sets = Object.entries(operation.sets).map(([name, value]) => `${name} = ${value}`);
    return [`UPDATE ${operation.table} SET ${sets.join(", ")} WHERE ${equal(operation.rows, key)}`];
  }
  if (operation.kind === "delete")
    return [`DELETE FROM ${operation.table} WHERE ${equal(operation.rows, key)}`];
  const { table, row, kind } = operation;
  const names = Object.keys(row);
  const insert = `${kind === "replace" ? "REPLACE" : "INSERT"} INTO ${table}(${names.join(", ")}) VALUES (${Object.values(row).join(", ")})`;
  if (kind !== "upsert") return [insert];
  const sets = names.filter((name) => !key.includes(name)).map((name) => `${name} = excluded.${name}`);
  return [`${insert} ON CONFLICT(${key.join(", ")}) DO UPDATE SET ${sets.join(", ")}`];
}

function equal(rows: readonly Row[], key: readonly string[]): string {
  if (rows.length === 0) return "0";
  const [by] = key;
  const one = (row: Row): string =>
    (by === undefined ? Object.keys(row) : key).map((name) => `${name} IS ${row[name]}`).join(" AND ");
  return rows.map((row) => `(${one(row)})`).join(" OR ");
}

function createTable({ audit, ...table }: Table): string[] {
  const { name, columns, key, generatedFrom, isStored, isWithoutRowid } = table;
  const parts = columns.map((column) => {
    const given = column.initial === "NULL" ? "" : ` DEFAULT ${column.initial}`;
    return `${column.name} ${column.type}${key.includes(column.name) ? " NOT NULL" : ""}${given}`;
  });
  if (generatedFrom !== undefined)
    parts.push(`g GENERATED ALWAYS AS (${generatedFrom}) ${isStored === true ? "STORED" : "VIRTUAL"}`);
  if (key.length > 0) parts.push(`PRIMARY KEY(${key.join(", ")})`);
  const create = `CREATE TABLE ${name}(${parts.join(", ")})${isWithoutRowid === true ? " WITHOUT ROWID" : ""}`;
  if (audit === undefined) return [create];
  const triggers = ["insert", "update", "delete"].map((what) => {
    const row = what === "delete" ? "old" : "new";
    return (
      `CREATE TRIGGER ${name}_${what} AFTER ${what} ON ${name} BEGIN INSERT INTO ${audit.table}(k, what, v) ` +
      `VALUES (${row}.${key[0]}, '${what}', ${row}.${audit.watched}) ` +
      "ON CONFLICT(k) DO UPDATE SET what = excluded.what, v = excluded.v; END"
    );
  });
  return [create, ...triggers];
}
