import { findByName, type IndexWalk, type Table, type Value } from "@lacuna/btree";
import { LacunaError, type PageNo } from "@lacuna/page";
import { namesRowid, type Row, type RowOptions, toRow } from "./row-shape.ts";
import type { StoredIndex } from "./view.ts";

/** One field of an index entry, under the name it has in a row. */
interface EntryField {
  readonly name: string;
  readonly field: number;
  readonly real: boolean;
}

/** The position of the row id in the entries; `undefined` for a WITHOUT ROWID table. */
const rowidField = (table: Table, index: StoredIndex): number | undefined =>
  table.withoutRowid ? undefined : index.key.length - 1;

/** Every field of an entry: columns by their names, the row id as `rowid` or its column, expressions by position. */
function entryFields(table: Table, index: StoredIndex): EntryField[] {
  const alias = table.rowidAlias === undefined ? undefined : table.columns[table.rowidAlias]?.name;
  return index.key.map(({ column }, field) => {
    const declared = column === undefined ? undefined : table.columns[column];
    const unnamed = field === rowidField(table, index) ? (alias ?? "rowid") : `expression ${field + 1}`;
    return { name: declared?.name ?? unnamed, field, real: declared?.affinity === "REAL" };
  });
}

/** Makes rows of index entries alone, without the table. */
export class EntryShape {
  readonly fields: number;
  readonly #chosen: readonly EntryField[];
  readonly #names: readonly string[];
  readonly #raw: boolean;

  private constructor(chosen: readonly EntryField[], raw: boolean) {
    this.#chosen = chosen;
    this.#names = chosen.map(({ name }) => name);
    this.#raw = raw;
    this.fields = Math.max(0, ...chosen.map(({ field }) => field + 1));
  }

  /**
   * The shape for these columns, or for all fields; `undefined` if the entries lack one of the columns.
   */
  static of(table: Table, index: StoredIndex, { columns, raw = false }: RowOptions): EntryShape | undefined {
    const fields = entryFields(table, index);
    if (columns === undefined) return new EntryShape(fields, raw);
    const rowid = rowidField(table, index);
    const chosen: EntryField[] = [];
    for (const name of columns) {
      const found = namesRowid(table, name) && rowid !== undefined ? fields[rowid] : findByName(fields, name);
      if (found === undefined) return undefined;
      // As in rows of the table: a column by its own name, the row id by the name it was asked for.
      chosen.push({ ...found, name: namesRowid(table, name) ? name : found.name });
    }
    return new EntryShape(chosen, raw);
  }

  read({ record }: IndexWalk): Row | Value[] {
    const values = this.#chosen.map(({ field, real }) => {
      const value = record.value(field) ?? null;
      // A REAL that is whole may be stored as an integer.
      return real && typeof value === "bigint" ? Number(value) : value;
    });
    return this.#raw ? values : toRow(this.#names, values);
  }
}

/** Takes the key of the table's row out of an index entry. */
export class RowKeyReader {
  readonly #fields: readonly number[];
  readonly #isRowid: boolean;

  constructor(table: Table, index: StoredIndex) {
    const rowid = rowidField(table, index);
    this.#isRowid = rowid !== undefined;
    this.#fields =
      rowid !== undefined
        ? [rowid]
        : table.key.map(({ column, collation }) =>
            index.key.findIndex((field) => field.column === column && field.collation === collation),
          );
  }

  /** @throws {LacunaError} `CORRUPT_PAGE` if the entry does not end in a row id */
  read(entry: IndexWalk): Value[] {
    const key = this.#fields.map((field) => entry.record.value(field) ?? null);
    const [rowid] = key;
    if (this.#isRowid && (typeof rowid === "string" || typeof rowid === "object")) {
      throw corruptEntry(entry.page, "expected a row id at the end of an index entry");
    }
    return key;
  }
}

/** The error for an index entry that contradicts its table. */
export function corruptEntry(page: PageNo, message: string): LacunaError {
  return new LacunaError("CORRUPT_PAGE", message, { page });
}
