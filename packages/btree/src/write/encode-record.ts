import type { TextEncoding } from "../database-header.ts";
import { encodeText, type Value } from "../value.ts";
import type { Rowid } from "../varint.ts";
import { varintLength, writeInt64, writeVarint } from "./varint.ts";

/** A value as the record stores it: the serial type and the bytes of the body. */
function encodeValue(value: Value, encoding: TextEncoding): [Rowid, Uint8Array] {
  if (value === null || Number.isNaN(value)) return [0, new Uint8Array(0)];
  if (typeof value === "string") {
    const text = encodeText(value, encoding);
    return [13 + 2 * text.length, text];
  }
  if (value instanceof Uint8Array) return [12 + 2 * value.length, value];
  if (value === 0 || value === 1) return [8 + value, new Uint8Array(0)];
  const body = new Uint8Array(8);
  if (typeof value === "number" && !Number.isSafeInteger(value)) {
    new DataView(body.buffer).setFloat64(0, value);
    return [7, body];
  }
  writeInt64(body, 0, value);
  const sizes = [1, 2, 3, 4, 6, 8];
  const fits = sizes.findIndex((size) => BigInt.asIntN(8 * size, BigInt(value)) === BigInt(value));
  return [fits + 1, body.subarray(8 - (sizes[fits] ?? 8))];
}

/**
 * A record as SQLite stores it. A `number` without a fraction becomes an INTEGER. File Format, "Record Format".
 * @throws {RangeError} if a `bigint` has more than 64 bits
 */
export function encodeRecord(values: readonly Value[], encoding: TextEncoding = "utf-8"): Uint8Array {
  for (const value of values) {
    if (typeof value === "bigint" && BigInt.asIntN(64, value) !== value) {
      throw new RangeError(`expected an integer of 64 bits, got ${value}`);
    }
  }
  const fields = values.map((value) => encodeValue(value, encoding));
  const typesSize = fields.reduce((sum, [type]) => sum + varintLength(type), 0);
  // The size of the header counts itself.
  let headerSize = typesSize + 1;
  while (headerSize < typesSize + varintLength(headerSize)) headerSize++;
  const record = new Uint8Array(fields.reduce((sum, [, body]) => sum + body.length, headerSize));
  let at = writeVarint(record, 0, headerSize);
  for (const [type] of fields) at = writeVarint(record, at, type);
  for (const [, body] of fields) {
    record.set(body, at);
    at += body.length;
  }
  return record;
}
