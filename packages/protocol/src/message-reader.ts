import { LacunaError } from "@lacuna/page";

/** A read position in a run of bytes. Readers advance `offset`. */
export interface ByteCursor {
  readonly bytes: Uint8Array;
  offset: number;
}

/** One field of a protobuf message. Fixed-size values are passed over: no message of the protocol has one. */
export interface MessageField {
  readonly number: number;
  readonly value: number | Uint8Array | undefined;
}

const VARINT = 0;
const FIXED64 = 1;
const LENGTH_DELIMITED = 2;
const FIXED32 = 5;

/**
 * The fields of a protobuf message in the order in which they stand. Byte values are views.
 * A varint above 2^53 comes out rounded, but never as a safe integer.
 * @throws {LacunaError} `PROTOCOL` if the bytes are not a message
 */
export function* messageFields(bytes: Uint8Array): Generator<MessageField, void, undefined> {
  const cursor: ByteCursor = { bytes, offset: 0 };
  for (let field = nextField(cursor); field !== undefined; field = nextField(cursor)) yield field;
}

/** One field at a time, for messages that come by the thousands. @returns `undefined` at the end of the message */
export function nextField(cursor: ByteCursor): MessageField | undefined {
  if (cursor.offset >= cursor.bytes.length) return undefined;
  const at = cursor.offset;
  const tag = readVarint(cursor);
  const number = Math.floor(tag / 8);
  if (number < 1 || number > 0x1fff_ffff) {
    throw malformed(`field number from 1 to 536870911 expected, found ${number}`, at);
  }
  switch (tag % 8) {
    case VARINT:
      return { number, value: readVarint(cursor) };
    case LENGTH_DELIMITED:
      return { number, value: readBytes(cursor, readVarint(cursor)) };
    case FIXED64:
      readBytes(cursor, 8);
      return { number, value: undefined };
    case FIXED32:
      readBytes(cursor, 4);
      return { number, value: undefined };
    default:
      throw malformed(`unknown wire type ${tag % 8} of field ${number}`, at);
  }
}

/** @throws {LacunaError} `PROTOCOL` unless the field holds an integer from 0 to `max` */
export function integerField(field: MessageField, name: string, max: number): number {
  const { value } = field;
  if (typeof value === "number" && value <= max) return value;
  const found = value instanceof Uint8Array ? "bytes" : (value ?? "a fixed-size value");
  throw malformed(`${name} must be an integer from 0 to ${max}, found ${found}`);
}

/** @throws {LacunaError} `PROTOCOL` unless the field holds bytes */
export function bytesField(field: MessageField, name: string): Uint8Array {
  if (field.value instanceof Uint8Array) return field.value;
  throw malformed(`${name} must be length-delimited, found ${field.value ?? "a fixed-size value"}`);
}

/** @throws {LacunaError} `PROTOCOL` unless the field holds up to `most` integers from 0 to `max`, packed */
export function packedField(field: MessageField, name: string, max: number, most: number): number[] {
  const cursor: ByteCursor = { bytes: bytesField(field, name), offset: 0 };
  const values: number[] = [];
  while (cursor.offset < cursor.bytes.length) {
    values.push(integerField({ number: field.number, value: readVarint(cursor) }, name, max));
    if (values.length > most) throw malformed(`${name} must be at most ${most} integers, found more`);
  }
  return values;
}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

/** @throws {LacunaError} `PROTOCOL` unless the field holds UTF-8 */
export function textField(field: MessageField, name: string): string {
  const bytes = bytesField(field, name);
  try {
    return strictUtf8.decode(bytes);
  } catch (cause) {
    throw new LacunaError("PROTOCOL", `${name} must be UTF-8, found other bytes`, { cause });
  }
}

function readVarint(cursor: ByteCursor): number {
  const start = cursor.offset;
  let value = 0;
  for (let scale = 1, length = 0; length < 10; length++, scale *= 128) {
    const byte = cursor.bytes[cursor.offset++];
    if (byte === undefined) throw malformed("a varint runs past the end of the message", start);
    value += (byte & 0x7f) * scale;
    if (byte < 0x80) return value;
  }
  throw malformed("a varint is longer than 10 bytes", start);
}

function readBytes(cursor: ByteCursor, length: number): Uint8Array {
  const rest = cursor.bytes.length - cursor.offset;
  if (length > rest) throw malformed(`a value of ${length} bytes where ${rest} are left`, cursor.offset);
  const bytes = cursor.bytes.subarray(cursor.offset, cursor.offset + length);
  cursor.offset += length;
  return bytes;
}

const malformed = (message: string, offset?: number): LacunaError =>
  new LacunaError("PROTOCOL", `malformed message: ${message}`, { offset });
