import { readU32 } from "./big-endian.ts";
import type { TextEncoding } from "./database-header.ts";
import { readInt64 } from "./varint.ts";

/**
 * A value of SQLite. INTEGER is a `number` up to 2^53 - 1 in size and a `bigint` beyond; REAL is a `number`; BLOB is a
 * copy of the bytes.
 */
export type Value = null | number | bigint | string | Uint8Array;

/** The storage class of a value. File Format, "Record Format". */
export type StorageClass = "null" | "integer" | "real" | "text" | "blob";

const SIZES = Uint8Array.of(0, 1, 2, 3, 4, 6, 8, 8, 0, 0, 0, 0);

/** Bytes that a value of this serial type takes in a record. */
export function serialTypeSize(type: number): number {
  return type < 12 ? (SIZES[type] as number) : (type - 12 - (type & 1)) / 2;
}

/** The storage class of a serial type. SQLite reads the reserved types 10 and 11 as NULL. */
export function storageClass(type: number): StorageClass {
  if (type >= 12) return (type & 1) === 1 ? "text" : "blob";
  if (type === 7) return "real";
  return type === 0 || type >= 10 ? "null" : "integer";
}

const scratch = new DataView(new ArrayBuffer(8));

/** The number of serial type 1 to 9 whose bytes start at `at`; `null` for a NaN, as SQLite reads it. */
export function decodeNumber(bytes: Uint8Array, at: number, type: number): number | bigint | null {
  switch (type) {
    case 1:
      return ((bytes[at] as number) << 24) >> 24;
    case 2:
      return (((bytes[at] as number) << 24) >> 16) | (bytes[at + 1] as number);
    case 3:
      return (
        (((bytes[at] as number) << 24) >> 8) | ((bytes[at + 1] as number) << 8) | (bytes[at + 2] as number)
      );
    case 4:
      return readU32(bytes, at) | 0;
    case 5:
      return (
        ((((bytes[at] as number) << 24) >> 16) | (bytes[at + 1] as number)) * 4_294_967_296 +
        readU32(bytes, at + 2)
      );
    case 6:
      return readInt64(bytes, at);
    case 7: {
      scratch.setUint32(0, readU32(bytes, at));
      scratch.setUint32(4, readU32(bytes, at + 4));
      const value = scratch.getFloat64(0);
      return Number.isNaN(value) ? null : value;
    }
    default:
      return type - 8;
  }
}

const utf8 = new TextDecoder("utf-8", { ignoreBOM: true });
const SHORT = 16;
/** One array for each length: `fromCharCode` is fastest when applied to a plain array of the right length. */
const units: number[][] = Array.from({ length: SHORT + 1 }, (_, length) => new Array<number>(length).fill(0));

function decodeUtf8(bytes: Uint8Array, start: number, end: number): string {
  const length = end - start;
  if (length <= SHORT) {
    const short = units[length] as number[];
    let all = 0;
    for (let index = 0; index < length; index++) {
      const byte = bytes[start + index] as number;
      short[index] = byte;
      all |= byte;
    }
    if (all < 0x80) return String.fromCharCode.apply(undefined, short);
  }
  return utf8.decode(bytes.subarray(start, end));
}

function decodeUtf16(bytes: Uint8Array, start: number, end: number, high: 0 | 1): string {
  let text = "";
  const chunk: number[] = [];
  // An odd last byte is no code unit; SQLite ignores it too.
  for (let at = start; at + 1 < end; at += 2) {
    chunk.push(((bytes[at + high] as number) << 8) | (bytes[at + 1 - high] as number));
    if (chunk.length === 4096) text += String.fromCharCode.apply(undefined, chunk.splice(0));
  }
  return text + String.fromCharCode.apply(undefined, chunk);
}

/** Text as stored in a database of that encoding. What is not valid UTF-8 becomes U+FFFD. */
export function decodeText(bytes: Uint8Array, start: number, end: number, encoding: TextEncoding): string {
  if (encoding === "utf-8") return decodeUtf8(bytes, start, end);
  return decodeUtf16(bytes, start, end, encoding === "utf-16le" ? 1 : 0);
}

const encoder = new TextEncoder();

/** Text as a database of that encoding stores it. */
export function encodeText(text: string, encoding: TextEncoding): Uint8Array {
  if (encoding === "utf-8") return encoder.encode(text);
  const bytes = new Uint8Array(2 * text.length);
  const high = encoding === "utf-16le" ? 1 : 0;
  for (let index = 0; index < text.length; index++) {
    const unit = text.charCodeAt(index);
    bytes[2 * index + high] = unit >>> 8;
    bytes[2 * index + 1 - high] = unit;
  }
  return bytes;
}
