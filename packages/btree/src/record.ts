import type { PageNo } from "@lacuna/page";
import { corruptPage } from "./corrupt.ts";
import type { TextEncoding } from "./database-header.ts";
import {
  decodeNumber,
  decodeText,
  type StorageClass,
  serialTypeSize,
  storageClass,
  type Value,
} from "./value.ts";
import { decodeVarint, varintSize } from "./varint.ts";

/**
 * The record that a walk stands on. One object serves all entries of a walk: what it says changes with every step.
 * Reading a value copies that value only. File Format, "Record Format".
 */
export class RecordReader {
  readonly #encoding: TextEncoding;
  readonly #bigints: boolean;
  #page = 1 as PageNo;
  #cell = 0;
  #bytes: Uint8Array = new Uint8Array(0);
  #start = 0;
  #end = 0;
  #size = 0;
  // Lazily parsed header: types and ends of the fields so far. A header size of 0 means not begun.
  #headerEnd = 0;
  #headerAt = 0;
  #bodyAt = 0;
  #parsed = 0;
  readonly #types: number[] = [];
  readonly #ends: number[] = [];

  /** @param bigints gives every INTEGER as a `bigint`, so that it can be told from REAL */
  constructor(encoding: TextEncoding, bigints = false) {
    this.#encoding = encoding;
    this.#bigints = bigints;
  }

  /**
   * Points at another record, of which the bytes `start` to `end` are here and `size` bytes exist.
   * @param cell the offset to report if the record is corrupt
   * @internal
   */
  reset(page: PageNo, cell: number, bytes: Uint8Array, start: number, end: number, size: number): void {
    this.#page = page;
    this.#cell = cell;
    this.#bytes = bytes;
    this.#start = start;
    this.#end = end;
    this.#size = size;
    this.#headerEnd = 0;
    this.#parsed = 0;
  }

  /** Bytes of the whole record, overflow included. */
  get size(): number {
    return this.#size;
  }

  /** How many of them are here. */
  get available(): number {
    return this.#end - this.#start;
  }

  /** @internal */
  get buffer(): Uint8Array {
    return this.#bytes;
  }

  /** Where the bytes that are here end in `buffer`. @internal */
  get end(): number {
    return this.#end;
  }

  /** @internal */
  get headerSize(): number {
    return this.#begin();
  }

  /** Where field `index` starts in `buffer`; its serial type was asked for before. @internal */
  fieldStart(index: number): number {
    return index === 0 ? this.#headerEnd : (this.#ends[index - 1] as number);
  }

  /** Fields in the record, which may be fewer than the table has columns. Needs the whole header. */
  get count(): number {
    this.#parse(Number.POSITIVE_INFINITY);
    return this.#parsed;
  }

  /**
   * How many bytes of the record must be here to read its first `fields` fields; at most `size`. As long as the answer
   * is more than `available` it may grow, because the header was not all here.
   */
  bytesFor(fields: number): number {
    const { size } = this;
    if (fields === Number.POSITIVE_INFINITY) return size;
    if (fields === 0) return 0;
    const headerSize = this.#begin();
    if (headerSize > this.available) return headerSize;
    this.#parse(fields);
    return this.#parsed === 0
      ? headerSize
      : (this.#ends[Math.min(fields, this.#parsed) - 1] as number) - this.#start;
  }

  /** The storage class of field `index`, from 0; `undefined` if the record has fewer fields. */
  storageClass(index: number): StorageClass | undefined {
    const type = this.serialType(index);
    return type === undefined ? undefined : storageClass(type);
  }

  /** @internal */
  serialType(index: number): number | undefined {
    if (index >= this.#parsed) this.#parse(index + 1);
    return index < this.#parsed ? (this.#types[index] as number) : undefined;
  }

  /** The value of field `index`, from 0; `undefined` if the record has fewer fields. */
  value(index: number): Value | undefined {
    const type = this.serialType(index);
    if (type === undefined) return undefined;
    const end = this.#ends[index] as number;
    return this.#decode(type, end - serialTypeSize(type), end);
  }

  /** The stored bytes of field `index`, uncopied, for text that is not valid or for comparing; see `value`. */
  bytes(index: number): Uint8Array | undefined {
    const type = this.serialType(index);
    if (type === undefined) return undefined;
    const end = this.#ends[index] as number;
    this.#need(end);
    return this.#bytes.subarray(end - serialTypeSize(type), end);
  }

  /** All values, in the order of the record. */
  values(): Value[] {
    const bytes = this.#bytes;
    const values: Value[] = [];
    const headerSize = this.#begin();
    const headerEnd = this.#start + headerSize;
    this.#need(headerEnd);
    let at = this.#start + varintSize(bytes, this.#start);
    let body = headerEnd;
    const limit = this.#start + this.#size;
    while (at < headerEnd) {
      let type = bytes[at++] as number;
      if (type >= 0x80) {
        type = this.#longType(--at);
        at += varintSize(bytes, at);
      }
      const end = body + serialTypeSize(type);
      if (end > limit) this.#mismatch();
      values.push(this.#decode(type, body, end));
      body = end;
    }
    if (at !== headerEnd || body !== limit) this.#mismatch();
    return values;
  }

  #decode(type: number, start: number, end: number): Value {
    if (end > this.#end) this.#need(end);
    if (type >= 12) {
      if ((type & 1) === 1) return decodeText(this.#bytes, start, end, this.#encoding);
      // A Buffer's slice() would be a view.
      return Uint8Array.prototype.slice.call(this.#bytes, start, end);
    }
    if (type === 0 || type >= 10) return null;
    const value = decodeNumber(this.#bytes, start, type);
    return this.#bigints && type !== 7 ? BigInt(value as number) : value;
  }

  /** Reads the size of the header. */
  #begin(): number {
    if (this.#headerEnd !== 0) return this.#headerEnd - this.#start;
    const start = this.#start;
    this.#headerAt = start + varintSize(this.#bytes, start);
    // A record of no bytes has no header either.
    const headerSize = this.#headerAt > this.#end ? 0 : Number(decodeVarint(this.#bytes, start));
    if (headerSize < this.#headerAt - start || headerSize > this.#size) {
      this.#corrupt(`expected a header within ${this.#size} bytes, found ${headerSize}`);
    }
    this.#headerEnd = start + headerSize;
    this.#bodyAt = this.#headerEnd;
    return headerSize;
  }

  /** Parses the header until `count` fields are known or it ends. */
  #parse(count: number): void {
    this.#begin();
    const headerEnd = this.#headerEnd;
    this.#need(headerEnd);
    const limit = this.#start + this.#size;
    while (this.#parsed < count && this.#headerAt < headerEnd) {
      const type = this.#longType(this.#headerAt);
      this.#headerAt += varintSize(this.#bytes, this.#headerAt);
      this.#bodyAt += serialTypeSize(type);
      if (this.#headerAt > headerEnd || this.#bodyAt > limit) this.#mismatch();
      this.#types[this.#parsed] = type;
      this.#ends[this.#parsed++] = this.#bodyAt;
    }
    if (this.#headerAt === headerEnd && this.#bodyAt !== limit) this.#mismatch();
  }

  #longType(at: number): number {
    const first = this.#bytes[at] as number;
    if (first < 0x80) return first;
    const type = decodeVarint(this.#bytes, at);
    if (typeof type === "bigint" || type < 0) this.#corrupt(`expected a serial type, found ${type}`);
    return type as number;
  }

  #need(end: number): void {
    if (end > this.#end) {
      throw new RangeError(`the walk was told to bring fewer fields`);
    }
  }

  #mismatch(): never {
    this.#corrupt(`expected fields that fill ${this.#size} bytes`);
  }

  #corrupt(message: string): never {
    throw corruptPage(this.#page, this.#cell, message);
  }
}
