import type { SqlResult } from "./row-reader.ts";

const SQLITE_INSERT = 18;
const encoder = new TextEncoder();

/** What a changeset says of a table before its rows. */
export interface ChangesetTable {
  readonly name: string;
  /** For each column its place in the primary key, from 1, or 0. */
  readonly keys: readonly number[];
}

/** Rows as the insertions of a changeset, in the format of SQLite's session extension. INTEGER has to come as bigint. */
export function encodeInsertions(table: ChangesetTable, rows: readonly (readonly SqlResult[])[]): Uint8Array {
  const parts: Uint8Array[] = [
    Uint8Array.of(0x54, ...varint(table.keys.length), ...table.keys),
    encoder.encode(`${table.name}\0`),
  ];
  for (const row of rows) {
    parts.push(Uint8Array.of(SQLITE_INSERT, 0));
    for (const value of row) parts.push(...encodeValue(value));
  }
  return concat(parts);
}

function encodeValue(value: SqlResult): Uint8Array[] {
  if (value === null) return [Uint8Array.of(5)];
  if (typeof value === "string") return withLength(3, encoder.encode(value));
  if (value instanceof Uint8Array) return withLength(4, value);
  const bytes = new Uint8Array(9);
  const view = new DataView(bytes.buffer);
  if (typeof value === "bigint") {
    bytes[0] = 1;
    view.setBigInt64(1, value);
  } else {
    bytes[0] = 2;
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

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const bytes = new Uint8Array(parts.reduce((length, part) => length + part.length, 0));
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
