import { isLacunaError, LacunaError } from "@lacuna/page";
import { PreparedKey } from "../collation.ts";
import type { TextEncoding } from "../database-header.ts";
import type { RecordReader } from "../record.ts";
import { RowReader } from "../row-reader.ts";
import type { Index, IndexField, Table } from "../schema.ts";
import type { StorageClass, Value } from "../value.ts";
import type { Rowid } from "../varint.ts";
import type { EntryCheck } from "./check-tree.ts";
import { EntryDigest } from "./index-digest.ts";

/** An index that every row of its table has one entry in, with what was found and what was expected there. */
export class IndexTally {
  readonly index: Index;
  readonly table: Table;
  readonly found = new EntryDigest();
  readonly expected = new EntryDigest();
  /** False once a row could not be told. */
  comparable = true;

  constructor(index: Index, table: Table) {
    this.index = index;
    this.table = table;
  }

  /** Undefined if rows and entries cannot be compared: expressions, partial indexes, computed columns. */
  static of(index: Index, table: Table | undefined): IndexTally | undefined {
    if (table === undefined || table.problem !== undefined || index.problem !== undefined || index.partial)
      return undefined;
    const stored = index.key.every(({ column }, at) =>
      column === undefined ? at >= index.declared : table.fields.includes(column),
    );
    return stored && table.columns.length > 0 ? new IndexTally(index, table) : undefined;
  }
}

/** Checks that entries are in the order of an index, none twice, and tallies them. */
export class IndexEntries implements EntryCheck {
  readonly #key: readonly IndexField[];
  readonly #encoding: TextEncoding;
  readonly #unique: number;
  readonly #tally: IndexTally | undefined;
  #last: PreparedKey | undefined;
  #lastUnique: PreparedKey | undefined;
  #ordered = true;

  /** @param unique how many leading columns must not repeat unless one is NULL; 0 for none */
  constructor(
    key: readonly IndexField[],
    encoding: TextEncoding,
    unique: number,
    tally: IndexTally | undefined,
  ) {
    this.#key = key;
    this.#encoding = encoding;
    this.#unique = unique;
    this.#tally = tally;
    this.#ordered = key.length > 0;
  }

  entry(record: RecordReader, _rowid: Rowid | undefined): string | undefined {
    const values = record.values();
    this.#tally?.found.add(values);
    if (!this.#ordered) return undefined;
    if (values.length < this.#key.length)
      return `expected ${this.#key.length} fields in an entry, found ${values.length}`;
    const last = this.#last;
    const lastUnique = this.#lastUnique;
    const key = values.slice(0, this.#key.length);
    const start = key.slice(0, this.#unique);
    try {
      const raw = (at: number): Uint8Array | undefined => record.bytes(at)?.slice();
      this.#last = new PreparedKey(key, this.#key, this.#encoding, raw);
      this.#lastUnique =
        start.length > 0 && !start.includes(null)
          ? new PreparedKey(start, this.#key, this.#encoding, raw)
          : undefined;
    } catch (error) {
      if (!(error instanceof LacunaError)) throw error;
      // A collation that only its application knows.
      this.#ordered = false;
      return undefined;
    }
    const order = last?.compare(record) ?? 1;
    if (order <= 0)
      return `expected an entry after the one before it, found ${order < 0 ? "a smaller" : "the same"} one`;
    return lastUnique?.compare(record) === 0
      ? "expected a unique entry, found the same values again"
      : undefined;
  }
}

const STRICT: Readonly<Record<string, readonly StorageClass[]>> = {
  INT: ["integer"],
  INTEGER: ["integer"],
  REAL: ["real", "integer"],
  TEXT: ["text"],
  BLOB: ["blob"],
};

/** Checks rows against their declarations and tallies what the indexes of the table should hold. */
export class TableEntries implements EntryCheck {
  readonly #table: Table;
  readonly #reader: RowReader | undefined;
  readonly #tallies: readonly IndexTally[];
  readonly #order: EntryCheck | undefined;

  /** @param order of a WITHOUT ROWID table, whose rows are entries as well */
  constructor(table: Table, tallies: readonly IndexTally[], order?: EntryCheck) {
    this.#table = table;
    this.#reader = table.columns.length > 0 ? new RowReader(table) : undefined;
    this.#tallies = tallies;
    this.#order = order;
  }

  entry(record: RecordReader, rowid: Rowid | undefined): string | undefined {
    const wrong = this.#order?.entry(record, rowid);
    if (this.#reader === undefined) {
      record.values();
      return wrong;
    }
    const row = this.#read(this.#reader, record, rowid);
    if (row === undefined) return wrong;
    const values = new Map(
      this.#reader.columns.map((column, at) => [this.#table.columns.indexOf(column), row[at]]),
    );
    for (const { index, expected } of this.#tallies) {
      expected.add(index.key.map(({ column }) => (column === undefined ? rowid : values.get(column))));
    }
    return wrong ?? this.#declared(record, values);
  }

  #read(reader: RowReader, record: RecordReader, rowid: Rowid | undefined): Value[] | undefined {
    try {
      return reader.read({ record, rowid });
    } catch (error) {
      if (!isLacunaError(error, "NOT_SUPPORTED")) throw error;
      // A default that is an expression: what the indexes should hold is not known.
      for (const tally of this.#tallies) tally.comparable = false;
      return undefined;
    }
  }

  #declared(record: RecordReader, values: ReadonlyMap<number, Value | undefined>): string | undefined {
    const { columns, fields, strict, rowidAlias, key, withoutRowid } = this.#table;
    for (const [position, value] of values) {
      const column = columns[position];
      if (column === undefined || position === rowidAlias) continue;
      const inKey = withoutRowid && key.some((field) => field.column === position);
      if (value === null && (column.notNull || inKey))
        return `expected a value in ${column.name}, found NULL`;
      const allowed = strict ? STRICT[column.type.toUpperCase()] : undefined;
      const found = record.storageClass(fields.indexOf(position));
      if (allowed !== undefined && found !== undefined && found !== "null" && !allowed.includes(found)) {
        return `expected ${column.type} in ${column.name}, found ${found}`;
      }
    }
    return undefined;
  }
}
