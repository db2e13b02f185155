import { ByteReader } from "./byte-reader.ts";
import { type RowValues, readRowValues, skipRowValues } from "./row-values.ts";

export type RowOperation = "insert" | "update" | "delete";

/** One change of a changeset. */
export interface ChangesetEntry {
  readonly table: string;
  /** For each column whether it belongs to the primary key. */
  readonly key: readonly boolean[];
  readonly operation: RowOperation;
  /** Whether a trigger or a foreign key made it, rather than a statement itself. */
  readonly indirect: boolean;
  /** The row as it was: whole for a delete, key and changed columns for an update, nothing for an insert. */
  readonly before: RowValues;
  /** The row as it became: whole for an insert, changed columns for an update, nothing for a delete. */
  readonly after: RowValues;
}

const TABLE = 0x54;
const OPERATIONS: Readonly<Record<number, RowOperation>> = { 9: "delete", 18: "insert", 23: "update" };
/** How many rows of values stand behind an operation. */
const ROWS: Readonly<Record<number, number>> = { 9: 1, 18: 1, 23: 2 };
/** SQLite cannot be built to allow more. */
const MAX_COLUMNS = 32_767;

/**
 * Reads what SQLite's session extension writes: a changeset, in its order. Blobs and `RawText` are views of the bytes. SQLite
 * documentation, "The Session Extension", changeset format in the comments of its source.
 * @throws {LacunaError} `REPLICA_CORRUPT` if the bytes are no changeset
 */
export function* readChangeset(bytes: Uint8Array): Generator<ChangesetEntry, void, undefined> {
  const reader = new ByteReader(bytes, "a changeset");
  let table = "";
  let key: boolean[] | undefined;
  while (!reader.atEnd) {
    const kind = reader.byte();
    if (kind === TABLE) {
      const columns = reader.count();
      if (columns < 1 || columns > MAX_COLUMNS) throw reader.error(`a table of ${columns} columns`);
      key = Array.from(reader.take(columns), (position) => position !== 0);
      table = reader.textToNul();
      continue;
    }
    const operation = OPERATIONS[kind];
    if (operation === undefined) throw reader.error(`a change expected, found ${kind}`);
    if (key === undefined) throw reader.error("a change before its table");
    const indirect = reader.byte() !== 0;
    const before = operation === "insert" ? [] : readRowValues(reader, key.length);
    const after = operation === "delete" ? [] : readRowValues(reader, key.length);
    yield { table, key, operation, indirect, before, after };
  }
}

/**
 * The tables that a changeset has changes of, without reading the values.
 * @throws {LacunaError} `REPLICA_CORRUPT` if the bytes are no changeset
 */
export function changesetTables(bytes: Uint8Array): Set<string> {
  const tables = new Set<string>();
  const reader = new ByteReader(bytes, "a changeset");
  let columns = 0;
  while (!reader.atEnd) {
    const kind = reader.byte();
    if (kind === TABLE) {
      columns = reader.count();
      reader.take(columns);
      tables.add(reader.textToNul());
      continue;
    }
    const rows = ROWS[kind];
    if (rows === undefined) throw reader.error(`a change expected, found ${kind}`);
    reader.byte();
    skipRowValues(reader, rows * columns);
  }
  return tables;
}
