import type { Column, Index, Schema, SchemaRow, Table } from "@lacuna/btree";

/** The schema as it is told: by names instead of positions. */
export interface SchemaReport {
  readonly tables: readonly TableReport[];
  readonly indexes: readonly IndexReport[];
  readonly views: readonly string[];
  readonly triggers: readonly { readonly name: string; readonly table: string }[];
}

export interface TableReport {
  readonly name: string;
  readonly kind: "table" | "without rowid" | "virtual";
  readonly strict: boolean;
  readonly rootPage: number | null;
  /** Another name of the row id. */
  readonly rowidAlias: string | null;
  /** The columns of the key of a WITHOUT ROWID table. */
  readonly key: readonly string[];
  readonly columns: readonly ColumnReport[];
  /** Why the statement was not understood. */
  readonly problem: string | null;
}

export interface ColumnReport {
  readonly name: string;
  readonly type: string;
  readonly affinity: Column["affinity"];
  readonly collation: string;
  readonly notNull: boolean;
  readonly generated: "virtual" | "stored" | null;
}

export interface IndexReport {
  readonly name: string;
  readonly table: string;
  readonly rootPage: number | null;
  readonly unique: boolean;
  readonly partial: boolean;
  /** As declared, with collation and direction where they are not BINARY and ascending. */
  readonly columns: readonly string[];
  readonly problem: string | null;
}

export function schemaReport({ tables, indexes, views, triggers }: Schema): SchemaReport {
  const byName = new Map(tables.map((table) => [table.name.toLowerCase(), table]));
  return {
    tables: tables.map(tableReport),
    indexes: indexes.map((index) => indexReport(index, byName.get(index.tableName.toLowerCase()))),
    views: views.map(({ name }) => name),
    triggers: triggers.map(({ name, tableName }: SchemaRow) => ({ name, table: tableName })),
  };
}

function tableReport(table: Table): TableReport {
  const nameAt = (position: number): string => table.columns[position]?.name ?? "";
  return {
    name: table.name,
    kind: table.virtual ? "virtual" : table.withoutRowid ? "without rowid" : "table",
    strict: table.strict,
    rootPage: table.rootPage ?? null,
    rowidAlias: table.rowidAlias === undefined ? null : nameAt(table.rowidAlias),
    key: table.key.map(({ column }) => (column === undefined ? "" : nameAt(column))),
    columns: table.columns.map(({ name, type, affinity, collation, notNull, generated }) => ({
      name,
      type,
      affinity,
      collation,
      notNull,
      generated: generated ?? null,
    })),
    problem: table.problem ?? null,
  };
}

function indexReport(index: Index, table: Table | undefined): IndexReport {
  const columns = index.key.slice(0, index.declared).map(({ column, collation, descending }) => {
    const name = column === undefined ? "(expression)" : (table?.columns[column]?.name ?? "");
    return `${name}${collation === "BINARY" ? "" : ` COLLATE ${collation}`}${descending ? " DESC" : ""}`;
  });
  return {
    name: index.name,
    table: index.tableName,
    rootPage: index.rootPage ?? null,
    unique: index.unique,
    partial: index.partial,
    columns,
    problem: index.problem ?? null,
  };
}
