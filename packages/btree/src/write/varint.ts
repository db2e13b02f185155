import { writeU32 } from "../big-endian.ts";
import type { Rowid } from "../varint.ts";

/**
 * Writes a signed 64-bit integer as a varint.
 * @returns the offset after it: 1 to 9 bytes further
 */
export function writeVarint(bytes: Uint8Array, offset: number, value: Rowid): number {
  if (typeof value === "number" && value >= 0 && value < 0x80) {
    bytes[offset] = value;
    return offset + 1;
  }
  if (typeof value === "number" && value >= 0 && value < 2 ** 49) {
    let end = offset + varintLength(value);
    const after = end;
    let left = value;
    for (let more = 0; end > offset; more = 0x80) {
      bytes[--end] = (left % 0x80) | more;
      left = Math.floor(left / 0x80);
    }
    return after;
  }
  let rest = BigInt.asUintN(64, BigInt(value));
  if (rest >> 56n !== 0n) {
    bytes[offset + 8] = Number(rest & 0xffn);
    rest >>= 8n;
    for (let at = offset + 7; at >= offset; at--, rest >>= 7n) bytes[at] = Number(rest & 0x7fn) | 0x80;
    return offset + 9;
  }
  const size = varintLength(value);
  for (let at = offset + size - 1; at >= offset; at--, rest >>= 7n) bytes[at] = Number(rest & 0x7fn) | 0x80;
  bytes[offset + size - 1] = (bytes[offset + size - 1] as number) & 0x7f;
  return offset + size;
}

/** Bytes that `writeVarint` takes for `value`. */
export function varintLength(value: Rowid): number {
  if (typeof value === "number" && value >= 0 && value < 2 ** 49) {
    let length = 1;
    for (let limit = 0x80; value >= limit; limit *= 0x80) length++;
    return length;
  }
  const pattern = BigInt.asUintN(64, BigInt(value));
  let size = 1;
  while (size < 9 && pattern >> BigInt(7 * size) !== 0n) size++;
  return size;
}

/** Writes a signed 64-bit big-endian integer. */
export function writeInt64(bytes: Uint8Array, offset: number, value: Rowid): void {
  const wide = BigInt.asUintN(64, BigInt(value));
  writeU32(bytes, offset, Number(wide >> 32n));
  writeU32(bytes, offset + 4, Number(wide & 0xffff_ffffn));
}
