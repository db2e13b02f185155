import { LacunaError } from "@lacuna/page";
import type { TextEncoding } from "./database-header.ts";
import type { RecordReader } from "./record.ts";
import { decodeNumber, decodeText, encodeText, serialTypeSize, type Value } from "./value.ts";

/** How one column of an index is ordered. */
export interface KeyColumn {
  /** `BINARY`, `NOCASE` or `RTRIM`. An index with another one can be walked, but not searched for text. */
  readonly collation: string;
  readonly descending: boolean;
}

/** One side of a range over an index: the values of its first columns. */
export interface KeyBound {
  /** At least one, at most as many as the index has columns. */
  readonly key: readonly Value[];
  /** Whether entries that begin with `key` belong to the range. @default true */
  readonly inclusive?: boolean | undefined;
}

/** NULLs come first, then numbers, text and blobs. */
function rankOfType(type: number): number {
  if (type >= 12) return 3 - (type & 1);
  return type === 0 || type > 9 ? 0 : 1;
}

function rankOf(value: Value): number {
  if (value === null) return 0;
  if (typeof value === "string") return 2;
  return value instanceof Uint8Array ? 3 : 1;
}

/** A bound made ready for comparing with records. */
export class PreparedKey {
  /** How many leading columns it names. */
  readonly length: number;
  readonly #encoding: TextEncoding;
  readonly #columns: readonly KeyColumn[];
  readonly #key: readonly Value[];
  readonly #bytes: readonly (Uint8Array | undefined)[];

  /**
   * @param raw the bytes of a text as stored, where they may say more than the string: not all text is valid
   * @throws {RangeError} if the key has no or too many values, or a NaN
   * @throws {LacunaError} `UNSUPPORTED_DATABASE` for text in a column with a collation that is not SQLite's own
   */
  constructor(
    key: readonly Value[],
    columns: readonly KeyColumn[],
    encoding: TextEncoding,
    raw?: (index: number) => Uint8Array | undefined,
  ) {
    if (key.length === 0 || key.length > columns.length) {
      throw new RangeError(`expected 1 to ${columns.length} values in a key, got ${key.length}`);
    }
    if (key.some((value) => Number.isNaN(value))) throw new RangeError("a key cannot contain NaN");
    this.length = key.length;
    this.#encoding = encoding;
    this.#columns = columns;
    this.#key = key;
    this.#bytes = key.map((value, index) =>
      typeof value === "string"
        ? this.#textKey(value, index, raw?.(index))
        : value instanceof Uint8Array
          ? value
          : undefined,
    );
  }

  /**
   * Where the record lies: negative before the key, positive after it, 0 if it begins with it, in the order of the index.
   * `undefined` if the bytes of the record that are here do not decide it.
   */
  compare(record: RecordReader): number | undefined {
    if (record.headerSize > record.available) return undefined;
    for (let index = 0; index < this.length; index++) {
      const result = this.#compareField(record, index);
      if (result === undefined) return undefined;
      if (result !== 0) return this.#columns[index]?.descending === true ? -result : result;
    }
    return 0;
  }

  #compareField(record: RecordReader, index: number): number | undefined {
    const value = this.#key[index] as Value;
    const type = record.serialType(index);
    // A record with fewer fields than the key comes first.
    if (type === undefined) return -1;
    const rank = rankOfType(type);
    if (rank !== rankOf(value) || rank === 0) return rank - rankOf(value);
    const size = serialTypeSize(type);
    if (rank > 1) return this.#compareBytes(record, index, size);
    if (record.fieldStart(index) + size > record.end) return undefined;
    const stored = decodeNumber(record.buffer, record.fieldStart(index), type);
    // A stored NaN is a NULL.
    if (stored === null || stored < (value as number)) return -1;
    return stored > (value as number) ? 1 : 0;
  }

  #compareBytes(record: RecordReader, index: number, storedSize: number): number | undefined {
    const key = this.#bytes[index] as Uint8Array;
    const collation = this.#collation(index);
    let bytes = record.buffer;
    let start = record.fieldStart(index);
    let size = storedSize;
    let here = Math.min(size, record.end - start);
    // RTRIM looks at the end first, and UTF-16 is compared as UTF-8.
    if (
      typeof this.#key[index] === "string" &&
      (collation === "RTRIM" || (collation === "NOCASE" && this.#encoding !== "utf-8"))
    ) {
      if (here < size) return undefined;
      if (this.#encoding !== "utf-8") {
        bytes = encodeText(decodeText(bytes, start, start + size, this.#encoding), "utf-8");
        start = 0;
        size = bytes.length;
      }
      if (collation === "RTRIM") size = trimmedSize(bytes, start, size);
      here = size;
    }
    const fold = collation === "NOCASE" && typeof this.#key[index] === "string";
    const common = Math.min(here, key.length);
    for (let at = 0; at < common; at++) {
      const a = bytes[start + at] as number;
      const b = key[at] as number;
      if (a !== b) {
        const difference = fold ? folded(a) - folded(b) : a - b;
        if (difference !== 0) return difference;
      } else if (fold && a === 0) {
        // SQLite's NOCASE stops at a NUL and lets the lengths decide.
        return size - key.length;
      }
    }
    return common === here && here < size && here < key.length ? undefined : size - key.length;
  }

  #collation(index: number): string {
    return (this.#columns[index] as KeyColumn).collation;
  }

  #textKey(text: string, index: number, raw?: Uint8Array): Uint8Array {
    const collation = this.#collation(index);
    if (collation !== "BINARY" && collation !== "NOCASE" && collation !== "RTRIM") {
      const message = `expected the collation BINARY, NOCASE or RTRIM, found ${collation}`;
      throw new LacunaError("UNSUPPORTED_DATABASE", message);
    }
    const comparedAs = collation === "BINARY" ? this.#encoding : "utf-8";
    const bytes = comparedAs === this.#encoding && raw ? raw : encodeText(text, comparedAs);
    return collation === "RTRIM" ? bytes.subarray(0, trimmedSize(bytes, 0, bytes.length)) : bytes;
  }
}

/** Only ASCII letters are folded. */
const folded = (byte: number): number => (byte >= 0x41 && byte <= 0x5a ? byte + 32 : byte);

function trimmedSize(bytes: Uint8Array, start: number, size: number): number {
  let trimmed = size;
  while (trimmed > 0 && bytes[start + trimmed - 1] === 0x20) trimmed--;
  return trimmed;
}
