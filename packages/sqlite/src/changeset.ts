import type { SqlResult } from "./row-reader.ts";

/** Operations of a changeset's records. */
export const SQLITE_DELETE = 9;
export const SQLITE_INSERT = 18;
export const SQLITE_UPDATE = 23;

const TABLE = 0x54;
// Types of values. A column that an update leaves alone has no value.
const ABSENT = 0;
const INTEGER = 1;
const FLOAT = 2;
const TEXT = 3;
const BLOB = 4;
const NULL = 5;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** What a changeset says of a table before its rows. */
export interface ChangesetTable {
  readonly name: string;
  /** For each column its place in the primary key, from 1, or 0. */
  readonly keys: readonly number[];
}

/** A row that came or went, with all of its values. INTEGER has to be a bigint. */
export interface WholeRow {
  readonly operation: typeof SQLITE_DELETE | typeof SQLITE_INSERT;
  /** A trigger or a foreign key did it. */
  readonly indirect: boolean;
  readonly values: readonly SqlResult[];
}

/** Writes changes of one table, in the format of SQLite's session extension. */
export function encodeChangeset(table: ChangesetTable, rows: readonly WholeRow[]): Uint8Array {
  const parts: Uint8Array[] = [
    Uint8Array.of(TABLE, ...varint(table.keys.length), ...table.keys),
    encoder.encode(`${table.name}\0`),
  ];
  for (const { operation, indirect, values } of rows) {
    parts.push(Uint8Array.of(operation, indirect ? 1 : 0));
    for (const value of values) parts.push(...encodeValue(value));
  }
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/** A row that a changeset updates. */
export interface UpdatedRow {
  /** A trigger or a foreign key did it. */
  readonly indirect: boolean;
  /** Its primary key, or its row id where the table has none. INTEGER is a bigint. */
  readonly key: readonly SqlResult[];
}

/** The rows that a changeset updates, by table. */
export function updatedRows(changeset: Uint8Array): ReadonlyMap<string, readonly UpdatedRow[]> {
  const view = new DataView(changeset.buffer, changeset.byteOffset, changeset.byteLength);
  const found = new Map<string, UpdatedRow[]>();
  let rows: UpdatedRow[] = [];
  let keys = new Uint8Array();
  let at = 0;
  const length = (): number => {
    let value = 0;
    for (;;) {
      const byte = view.getUint8(at++);
      value = value * 128 + (byte & 0x7f);
      if (byte < 0x80) return value;
    }
  };
  const skipRow = (): void => {
    for (let left = keys.length; left > 0; left--) {
      const type = view.getUint8(at++);
      if (type === INTEGER || type === FLOAT) at += 8;
      else if (type === TEXT || type === BLOB) {
        const bytes = length();
        at += bytes;
      } else if (type !== NULL && type !== ABSENT)
        throw new Error(`BUG: a changeset with a value of type ${type}`);
    }
  };
  const value = (): SqlResult => {
    const type = view.getUint8(at++);
    if (type === INTEGER || type === FLOAT) {
      at += 8;
      return type === INTEGER ? view.getBigInt64(at - 8) : view.getFloat64(at - 8);
    }
    if (type !== TEXT && type !== BLOB) return null;
    const bytes = length();
    at += bytes;
    return type === BLOB
      ? changeset.slice(at - bytes, at)
      : decoder.decode(changeset.subarray(at - bytes, at));
  };
  const keyOfRow = (): SqlResult[] => Array.from(keys, value).filter((_, column) => keys[column] !== 0);
  while (at < changeset.length) {
    const operation = view.getUint8(at++);
    if (operation === TABLE) {
      const columns = length();
      keys = changeset.slice(at, at + columns);
      at += columns;
      const end = changeset.indexOf(0, at);
      const name = decoder.decode(changeset.subarray(at, end));
      at = end + 1;
      rows = found.get(name) ?? [];
      found.set(name, rows);
      continue;
    }
    const indirect = view.getUint8(at++) !== 0;
    if (operation === SQLITE_UPDATE) rows.push({ indirect, key: keyOfRow() });
    skipRow();
  }
  return found;
}

function encodeValue(value: SqlResult): Uint8Array[] {
  if (value === null) return [Uint8Array.of(NULL)];
  if (typeof value === "string") return withLength(TEXT, encoder.encode(value));
  if (value instanceof Uint8Array) return withLength(BLOB, value);
  const bytes = new Uint8Array(9);
  const view = new DataView(bytes.buffer);
  if (typeof value === "bigint") {
    bytes[0] = INTEGER;
    view.setBigInt64(1, value);
  } else {
    bytes[0] = FLOAT;
    view.setFloat64(1, value);
  }
  return [bytes];
}

function withLength(type: number, bytes: Uint8Array): Uint8Array[] {
  return [Uint8Array.of(type, ...varint(bytes.length)), bytes];
}

/** A varint of up to 32 bits. File Format, "Variable Length Integers". */
function varint(value: number): number[] {
  const bytes = [value & 0x7f];
  for (let rest = value >>> 7; rest > 0; rest >>>= 7) bytes.unshift((rest & 0x7f) | 0x80);
  return bytes;
}
