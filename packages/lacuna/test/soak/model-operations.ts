import { type Column, type Literal, placeOf, type Row, type State, type Table } from "./model-state.ts";

/** A change of the schema. */
export type SchemaOperation =
  | { readonly kind: "create-table"; readonly table: Table }
  | { readonly kind: "drop-table"; readonly table: string }
  | { readonly kind: "rename-table"; readonly table: string; readonly to: string }
  | { readonly kind: "add-column"; readonly table: string; readonly column: Column }
  | { readonly kind: "rename-column"; readonly table: string; readonly column: string; readonly to: string }
  | {
      readonly kind: "create-index";
      readonly index: string;
      readonly table: string;
      readonly column: string;
    }
  | { readonly kind: "drop-index"; readonly index: string };

/** A statement that writes. Rows are those that are equal to `rows` in the key, or where there is none in all columns. */
export type Operation =
  | SchemaOperation
  | { readonly kind: "insert" | "upsert" | "replace"; readonly table: string; readonly row: Row }
  | { readonly kind: "update"; readonly table: string; readonly rows: readonly Row[]; readonly sets: Row }
  | { readonly kind: "delete"; readonly table: string; readonly rows: readonly Row[] };

/** Told of each row that a statement itself changes, before it does. */
export type Touch = (table: Table, place: string) => void;

/** Does to a state what the statement does to a database. @returns false if it fails, and does nothing then */
export function run(state: State, operation: Operation, touch: Touch = () => {}): boolean {
  switch (operation.kind) {
    case "insert":
    case "upsert":
    case "replace": {
      const table = state.tables.get(operation.table);
      if (table === undefined || !hasColumns(table, operation.row)) return false;
      putRow(state, table, operation.row, { touch, replaces: operation.kind === "replace" });
      return true;
    }
    case "update":
    case "delete": {
      const table = state.tables.get(operation.table);
      if (table === undefined) return false;
      const sets = operation.kind === "update" ? operation.sets : undefined;
      for (const place of placesOf(table, operation.rows)) changeRow(state, table, place, sets, touch);
      return true;
    }
    default:
      return changeSchema(state, operation);
  }
}

export function hasColumns({ columns }: Table, row: Row): boolean {
  return Object.keys(row).every((name) => columns.some((column) => column.name === name));
}

interface PutOptions {
  readonly touch: Touch;
  readonly replaces: boolean;
}

/** Inserts a row, or gives an existing one of that key all its values. */
export function putRow(state: State, table: Table, row: Row, { touch, replaces }: PutOptions): void {
  const initial = Object.fromEntries(table.columns.map((column) => [column.name, column.initial]));
  const place = placeOf(table, row);
  const old = table.rows.get(place);
  touch(table, place);
  const after = old !== undefined && !replaces ? { ...old, ...row } : { ...initial, ...row };
  table.rows.set(place, after);
  audit(state, table, old === undefined || replaces ? "insert" : "update", after);
}

/** Sets columns of a row, or takes it away. */
export function changeRow(
  state: State,
  table: Table,
  place: string,
  sets: Row | undefined,
  touch: Touch,
): void {
  const old = table.rows.get(place);
  if (old === undefined) return;
  touch(table, place);
  if (sets === undefined) {
    table.rows.delete(place);
    audit(state, table, "delete", old);
    return;
  }
  const after = { ...old, ...sets };
  const moved = table.key.length === 0 ? place : placeOf(table, after);
  if (moved !== place) {
    touch(table, moved);
    table.rows.delete(place);
  }
  table.rows.set(moved, after);
  audit(state, table, "update", after);
}

/** The places of rows that are equal in the key, or in all that is told where there is none. */
function placesOf(table: Table, rows: readonly Row[]): string[] {
  if (table.key.length > 0) return rows.map((row) => placeOf(table, row));
  return [...table.rows]
    .filter(([, held]) =>
      rows.some((row) => Object.entries(row).every(([name, value]) => held[name] === value)),
    )
    .map(([place]) => place);
}

function audit(state: State, { audit: kept, key }: Table, what: string, row: Row): void {
  const table = kept && state.tables.get(kept.table);
  if (table === undefined) return;
  const k = row[key[0] ?? ""] ?? "NULL";
  table.rows.set(k, { k, what: `'${what}'`, v: row[kept?.watched ?? ""] ?? "NULL" });
}

function changeSchema({ tables, indexes }: State, operation: SchemaOperation): boolean {
  switch (operation.kind) {
    case "create-table":
      if (!tables.has(operation.table.name))
        tables.set(operation.table.name, { ...operation.table, rows: new Map() });
      return true;
    case "drop-table":
      tables.delete(operation.table);
      for (const [index, of] of indexes) if (of === operation.table) indexes.delete(index);
      return true;
    case "drop-index":
      indexes.delete(operation.index);
      return true;
    default:
  }
  const table = tables.get(operation.table);
  if (operation.kind === "create-index") {
    if (indexes.has(operation.index)) return true;
    if (!table?.columns.some(({ name }) => name === operation.column)) return false;
    indexes.set(operation.index, operation.table);
    return true;
  }
  if (operation.kind === "add-column") {
    const { column } = operation;
    if (table === undefined) return false;
    if (table.columns.some(({ name }) => name === column.name)) return true;
    for (const [place, row] of table.rows) table.rows.set(place, { ...row, [column.name]: column.initial });
    tables.set(table.name, { ...table, columns: [...table.columns, column] });
    return true;
  }
  // What a rename is about is looked for first: where it is gone, there is nothing to be done.
  if (table === undefined) return true;
  if (operation.kind === "rename-table") {
    tables.delete(table.name);
    tables.set(operation.to, { ...table, name: operation.to });
    for (const [index, of] of indexes) if (of === table.name) indexes.set(index, operation.to);
    return true;
  }
  renameColumn(tables, table, operation.column, operation.to);
  return true;
}

function renameColumn(tables: Map<string, Table>, table: Table, from: string, to: string): void {
  const { columns, key, generatedFrom, audit: kept } = table;
  if (!columns.some(({ name }) => name === from)) return;
  const renamed = (name: string): string => (name === from ? to : name);
  const rows = [...table.rows].map(([place, row]): [string, Row] => [
    place,
    Object.fromEntries(Object.entries(row).map(([name, value]): [string, Literal] => [renamed(name), value])),
  ]);
  tables.set(table.name, {
    ...table,
    columns: columns.map((column) => ({ ...column, name: renamed(column.name) })),
    key: key.map(renamed),
    generatedFrom: generatedFrom && renamed(generatedFrom),
    audit: kept && { ...kept, watched: renamed(kept.watched) },
    rows: new Map(rows),
  });
}
