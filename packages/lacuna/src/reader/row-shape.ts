import { findByName, RowReader, type Table, type TableEntry, type Value } from "@lacuna/btree";
import { invalid } from "../option-check.ts";

/** A row by the names of its columns. */
export type Row = Record<string, Value>;

/** How rows are wanted. */
export interface RowOptions {
  /**
   * The columns wanted, in that order. `rowid` is one, as long as the table has none of that name. Overflow pages that
   * hold other columns only are not fetched.
   * @default every column that is stored, in the order of the table
   */
  readonly columns?: readonly string[] | undefined;
  /**
   * Gives rows as arrays of values.
   * @default false: as objects by column name
   */
  readonly raw?: boolean | undefined;
}

const ROWID_NAMES = ["rowid", "oid", "_rowid_"];

/** True for a name that means the row id in this table. */
export function namesRowid(table: Table, name: string): boolean {
  return (
    !table.withoutRowid &&
    ROWID_NAMES.includes(name.toLowerCase()) &&
    findByName(table.columns, name) === undefined
  );
}

/** An object with these fields. A column may be called `__proto__`, which an assignment would take for the prototype. */
export function toRow(names: readonly string[], values: readonly Value[]): Row {
  const row: Row = {};
  for (let at = 0; at < names.length; at++) {
    const name = names[at] as string;
    const value = values[at] as Value;
    if (name !== "__proto__") row[name] = value;
    else Object.defineProperty(row, name, { value, enumerable: true, configurable: true, writable: true });
  }
  return row;
}

/** Makes rows of the entries of a table as they are wanted. */
export class RowShape {
  /** How many leading fields of the records are needed; tell the walk. */
  readonly fields: number;
  readonly #reader: RowReader | undefined;
  readonly #names: readonly string[];
  readonly #raw: boolean;
  readonly #bigints: boolean;
  /** Where row ids go that are no column, ascending. */
  readonly #rowidAt: readonly number[];

  /**
   * @throws {LacunaError} `INVALID_OPTION` if the table has no such column; `NOT_SUPPORTED` if its rows cannot be read as
   *   wanted
   */
  constructor(table: Table, { columns, raw = false }: RowOptions, bigints: boolean) {
    this.#raw = raw;
    this.#bigints = bigints;
    // The records themselves are there also where the statement was not understood.
    if (table.problem !== undefined && raw && columns === undefined) {
      this.#reader = undefined;
      this.#names = [];
      this.#rowidAt = [];
      this.fields = Number.POSITIVE_INFINITY;
      return;
    }
    for (const name of columns ?? []) {
      if (typeof name === "string" && (namesRowid(table, name) || findByName(table.columns, name))) continue;
      const known = table.columns.map((column) => column.name).join(", ");
      throw invalid(`table ${table.name} has no column ${name}; it has ${known || "none"}`);
    }
    const stored = columns?.filter((name) => !namesRowid(table, name));
    this.#reader = new RowReader(table, { columns: stored, bigints });
    this.#rowidAt = (columns ?? []).flatMap((name, at) => (namesRowid(table, name) ? [at] : []));
    const names = this.#reader.columns.map((column) => column.name);
    for (const at of this.#rowidAt) names.splice(at, 0, (columns as readonly string[])[at] as string);
    this.#names = names;
    this.fields = stored === undefined ? Number.POSITIVE_INFINITY : this.#reader.fields;
  }

  /** The row of the entry a walk stands on. */
  read(entry: TableEntry): Row | Value[] {
    if (this.#reader === undefined) return entry.record.values();
    const values = this.#reader.read(entry);
    for (const at of this.#rowidAt) {
      const rowid = entry.rowid as number | bigint;
      values.splice(at, 0, this.#bigints ? BigInt(rowid) : rowid);
    }
    return this.#raw ? values : toRow(this.#names, values);
  }
}
