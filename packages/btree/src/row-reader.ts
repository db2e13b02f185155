import { LacunaError } from "@lacuna/page";
import type { Column } from "./create-table.ts";
import type { RecordReader } from "./record.ts";
import { findByName, type Table } from "./schema.ts";
import type { Value } from "./value.ts";
import type { Rowid } from "./varint.ts";

export interface RowReaderOptions {
  /** The columns wanted, in that order. @default every column that is stored, in the order of the table */
  readonly columns?: readonly string[] | undefined;
  /** Gives every INTEGER as a `bigint`; tell the walk the same. @default false */
  readonly bigints?: boolean | undefined;
}

/** An entry of a walk over the table: `TableWalk`, or `IndexWalk` for a WITHOUT ROWID table. */
export interface TableEntry {
  readonly record: RecordReader;
  readonly rowid?: Rowid | undefined;
}

/**
 * Turns the entries of a walk over a table into rows as SQL has them: the row id in its column, REAL columns as REAL,
 * columns in the order of the table, defaults for columns that were added after the row was stored.
 */
export class RowReader {
  /** The columns of a row, in order. Virtual generated columns are only left out, never computed. */
  readonly columns: readonly Column[];
  /** How many leading fields the rows need: tell the walk, and it brings no overflow pages beyond them. */
  readonly fields: number;
  readonly #bigints: boolean;
  /** For each column its field in the record, -1 for the row id. */
  readonly #fieldOf: readonly number[];
  readonly #defaults: readonly (Value | undefined)[];
  /** Columns whose INTEGERs are REALs stored in less space. */
  readonly #reals: readonly number[];
  /** Where the rows are the records' fields in order, apart from the row id at this position. */
  readonly #plainAlias: number | undefined;

  /**
   * @throws {RangeError} if the table has no such column
   * @throws {LacunaError} `NOT_SUPPORTED` for a virtual table, a virtual generated column, or a table whose statement
   *   was not understood
   */
  constructor(table: Table, options: RowReaderOptions = {}) {
    if (table.columns.length === 0) {
      const why = table.virtual ? "it is a virtual table" : table.problem;
      throw new LacunaError("NOT_SUPPORTED", `${table.name} cannot be read: ${why}`);
    }
    const wanted =
      options.columns?.map((name) => columnOf(table, name)) ??
      table.columns.filter((column) => column.generated !== "virtual");
    const positions = wanted.map((column) => table.columns.indexOf(column));
    this.columns = wanted;
    this.#bigints = options.bigints ?? false;
    this.#fieldOf = positions.map((position) =>
      position === table.rowidAlias ? -1 : table.fields.indexOf(position),
    );
    this.fields = Math.max(0, ...this.#fieldOf.map((field) => field + 1));
    this.#defaults = wanted.map((column) => this.#constant(column));
    this.#reals = [...wanted.keys()].filter((at) => wanted[at]?.affinity === "REAL");
    const inOrder =
      positions.length === table.fields.length &&
      positions.every((position, at) => table.fields[at] === position);
    this.#plainAlias = inOrder ? (table.rowidAlias ?? -1) : undefined;
  }

  /** The row of the entry that a walk stands on. */
  read(entry: TableEntry): Value[] {
    const { record } = entry;
    let row: Value[];
    const count = this.columns.length;
    if (this.#plainAlias === undefined) {
      row = [];
      for (let at = 0; at < count; at++) {
        const field = this.#fieldOf[at] as number;
        row.push(field < 0 ? this.#rowid(entry) : (record.value(field) ?? this.#missing(at, record, field)));
      }
    } else {
      row = record.values();
      if (row.length !== count) this.#fit(row, count);
      if (this.#plainAlias >= 0) row[this.#plainAlias] = this.#rowid(entry);
    }
    for (const at of this.#reals) {
      if (typeof row[at] === "bigint") row[at] = Number(row[at]);
    }
    return row;
  }

  #rowid({ rowid }: TableEntry): Rowid {
    if (rowid === undefined) throw new RangeError("expected a row with a row id");
    return this.#bigints ? BigInt(rowid) : rowid;
  }

  /** A field that reads as `null` or `undefined`: only the latter is absent. */
  #missing(at: number, record: RecordReader, field: number): Value {
    return record.serialType(field) === undefined ? this.#default(at) : null;
  }

  #fit(row: Value[], count: number): void {
    row.length = Math.min(row.length, count);
    while (row.length < count) row.push(this.#default(row.length));
  }

  #default(at: number): Value {
    const value = this.#defaults[at];
    if (value === undefined) {
      const { name } = this.columns[at] as Column;
      throw new LacunaError("NOT_SUPPORTED", `column ${name} has no constant default`);
    }
    return value;
  }

  #constant({ default: constant }: Column): Value | undefined {
    const asBigint = this.#bigints && constant?.storageClass === "integer";
    return asBigint ? BigInt(constant.value as Rowid) : constant?.value;
  }
}

function columnOf(table: Table, name: string): Column {
  const column = findByName(table.columns, name);
  if (column === undefined) throw new RangeError(`table ${table.name} has no column ${name}`);
  if (column.generated === "virtual") {
    throw new LacunaError("NOT_SUPPORTED", `column ${name} of ${table.name} is computed, not stored`);
  }
  return column;
}
