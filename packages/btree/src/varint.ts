import { readU32 } from "./big-endian.ts";

/** A read position inside bytes. Readers advance `offset`. */
export interface ByteCursor {
  readonly bytes: Uint8Array;
  offset: number;
}

/**
 * A row id, or any integer of SQLite: a `number` from -(2^53 - 1) to 2^53 - 1, a `bigint` outside that range, so that
 * none is ever rounded. The two kinds compare exactly with `<`, `>` and `==`.
 */
export type Rowid = number | bigint;

/**
 * Reads one varint: 1 to 9 bytes, most significant group first. The result is the unsigned 64-bit pattern, a `number`
 * up to 2^53 - 1 and a `bigint` above. File Format, "B-tree Pages".
 * @throws {RangeError} if the bytes end inside the varint
 */
export function readVarint(cursor: ByteCursor): number | bigint {
  const { bytes } = cursor;
  const size = varintSize(bytes, cursor.offset);
  const start = cursor.offset;
  if (start + size > bytes.length) throw new RangeError(`varint at offset ${start} ends after the bytes do`);
  cursor.offset = start + size;
  const value = decodeVarint(bytes, start);
  return typeof value === "bigint"
    ? BigInt.asUintN(64, value)
    : value < 0
      ? BigInt(value) + (1n << 64n)
      : value;
}

/** Bytes of the varint at `offset`: 1 to 9. */
export function varintSize(bytes: Uint8Array, offset: number): number {
  let size = 1;
  while (size < 9 && (bytes[offset + size - 1] as number) >= 0x80) size++;
  return size;
}

/**
 * The varint at `offset` as a signed 64-bit integer, which is how row ids are stored. Bytes outside the array read as
 * zero: the caller checks that it ends inside.
 */
export function decodeVarint(bytes: Uint8Array, offset: number): Rowid {
  let value = 0;
  for (let at = offset; at < offset + 7; at++) {
    const byte = bytes[at] as number;
    value = value * 128 + (byte & 0x7f);
    if (byte < 0x80) return value;
  }
  // 49 bits so far. An eighth byte adds seven; a ninth adds all of its eight and makes the pattern signed.
  const eighth = bytes[offset + 7] as number;
  const wide = (BigInt(value) << 7n) | BigInt(eighth & 0x7f);
  return narrow(
    eighth < 0x80 ? wide : BigInt.asIntN(64, (wide << 8n) | BigInt((bytes[offset + 8] as number) & 0xff)),
  );
}

/** The signed 64-bit big-endian integer at `offset`. */
export function readInt64(bytes: Uint8Array, offset: number): Rowid {
  const high = readU32(bytes, offset) | 0;
  const low = readU32(bytes, offset + 4);
  const value = high * 4_294_967_296 + low;
  return Number.isSafeInteger(value) ? value : (BigInt(high) << 32n) | BigInt(low);
}

/** A `number` if it can hold `value` exactly, else `value`. */
export function narrow(value: bigint): Rowid {
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}
