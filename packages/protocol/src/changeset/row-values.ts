import type { SqlValue } from "@lacuna/page";
import type { ByteReader } from "./byte-reader.ts";

/** The values of a row, column by column; `undefined` for those that are not told. */
export type RowValues = readonly (SqlValue | undefined)[];

const ABSENT = 0;
const INTEGER = 1;
const REAL = 2;
const TEXT = 3;
const BLOB = 4;
const NULL = 5;

/** TEXT that is not valid UTF-8, as its bytes: SQLite takes any, and a string could only be something else. */
export class RawText extends Uint8Array<ArrayBufferLike> {}

const strictUtf8 = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

function textOf(bytes: Uint8Array): string | RawText {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return new RawText(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }
}

/** Reads values in the form that SQLite's changesets have: a type, then the value. Blobs and `RawText` are views. */
export function readRowValues(reader: ByteReader, columns: number): RowValues {
  const values: (SqlValue | undefined)[] = [];
  for (let column = 0; column < columns; column++) values.push(readValue(reader));
  return values;
}

/** Passes over values. */
export function skipRowValues(reader: ByteReader, values: number): void {
  for (let left = values; left > 0; left--) {
    const type = reader.byte();
    if (type === INTEGER || type === REAL) reader.skip(8);
    else if (type === TEXT || type === BLOB) reader.skip(reader.count());
    else if (type !== ABSENT && type !== NULL)
      throw reader.error(`a value of type 1 to 5 expected, found ${type}`);
  }
}

function readValue(reader: ByteReader): SqlValue | undefined {
  const type = reader.byte();
  switch (type) {
    case ABSENT:
      return undefined;
    case INTEGER:
      return reader.int64();
    case REAL:
      return reader.float64();
    case TEXT:
      return textOf(reader.take(reader.count()));
    case BLOB:
      return reader.take(reader.count());
    case NULL:
      return null;
    default:
      throw reader.error(`a value of type 1 to 5 expected, found ${type}`);
  }
}
