import { writeU16 } from "../big-endian.ts";
import type { BtreePage } from "../btree-page.ts";
import { CellReader } from "../cell.ts";
import type { Value } from "../value.ts";
import { narrow, type Rowid } from "../varint.ts";
import { encodeRecord } from "./encode-record.ts";
import { varintLength, writeVarint } from "./varint.ts";

/** Where the cells of a placeholder go. */
export interface PlaceholderPage {
  readonly pageSize: number;
  /** Page size less reserved bytes. */
  readonly usableSize: number;
  /** Where to make it, of `pageSize` bytes, which are written over; an array of its own unless given. */
  readonly into?: Uint8Array | undefined;
}

/** A record of one NULL; the columns it lacks read as their defaults. */
const NULL_RECORD = Uint8Array.of(2, 0);

function blank({ pageSize, into }: PlaceholderPage): Uint8Array {
  return into?.fill(0) ?? new Uint8Array(pageSize);
}

/** Fills a leaf from its end, as SQLite does. */
class Leaf {
  readonly #bytes: Uint8Array;
  readonly #restBytes: number;
  #pointer = 8;
  #content: number;

  /** @param restBytes bytes of every record behind those it is added with: whatever follows on the page */
  constructor(flag: 10 | 13, page: PlaceholderPage, restBytes = 0) {
    this.#bytes = blank(page);
    this.#bytes[0] = flag;
    this.#restBytes = restBytes;
    this.#content = page.usableSize - restBytes;
  }

  /** @returns whether there was room */
  add(record: Uint8Array, rowid?: Rowid): boolean {
    const bytes = this.#bytes;
    const recordBytes = record.length + this.#restBytes;
    const size = varintLength(recordBytes) + (rowid === undefined ? 0 : varintLength(rowid)) + record.length;
    const at = this.#content - Math.max(4, size);
    if (at < this.#pointer + 2) return false;
    let end = writeVarint(bytes, at, recordBytes);
    if (rowid !== undefined) end = writeVarint(bytes, end, rowid);
    bytes.set(record, end);
    writeU16(bytes, this.#pointer, at);
    this.#pointer += 2;
    this.#content = at;
    return true;
  }

  finish(): Uint8Array {
    if (this.#pointer === 8)
      throw new RangeError("a placeholder needs at least one cell: SQLite takes a leaf without for corrupt");
    writeU16(this.#bytes, 3, (this.#pointer - 8) / 2);
    writeU16(this.#bytes, 5, this.#content);
    return this.#bytes;
  }
}

/** What the rows of a placeholder hold. The whole of each has to be short enough to need no overflow page. */
export interface PlaceholderRecord {
  /** The record of a row, or how it begins. */
  readonly of: (rowid: Rowid) => Uint8Array;
  /** Bytes of the longest of these. */
  readonly mostBytes: number;
  /**
   * Bytes of every record behind those. They may be anything: rows share them.
   * @default 0
   */
  readonly restBytes?: number | undefined;
}

const NULLS: PlaceholderRecord = { of: () => NULL_RECORD, mostBytes: NULL_RECORD.length };

/**
 * A valid leaf of a table, made up: one row for each row id. A stand-in for a page that is not here, never one to store.
 * @param rowids ascending, without repeats, at least one; those that no longer fit on the page are left out
 * @param record what the rows hold. Default: a NULL
 */
export function placeholderTableLeaf(
  page: PlaceholderPage,
  rowids: Iterable<Rowid>,
  record: PlaceholderRecord = NULLS,
): Uint8Array {
  const leaf = new Leaf(13, page, record.restBytes);
  for (const rowid of rowids) if (!leaf.add(record.of(rowid), rowid)) break;
  return leaf.finish();
}

/**
 * A valid leaf of an index or of a WITHOUT ROWID table, made up of these entries. In the index of a table with row ids the
 * last value of an entry must be a row id that exists, or SQLite reports corruption when it looks the row up.
 * @param entries in the order of the index, at least one, each short enough to need no overflow page; those that no
 *   longer fit on the page are left out
 */
export function placeholderIndexLeaf(page: PlaceholderPage, entries: Iterable<readonly Value[]>): Uint8Array {
  const longest = Math.floor(((page.usableSize - 12) * 64) / 255) - 23;
  const leaf = new Leaf(10, page);
  for (const entry of entries) {
    const record = encodeRecord(entry);
    if (record.length > longest)
      throw new RangeError(`an entry of ${record.length} bytes needs an overflow page`);
    if (!leaf.add(record)) break;
  }
  return leaf.finish();
}

/**
 * A valid leaf of an index or of a WITHOUT ROWID table that repeats one entry of an interior page above it: the key beside
 * the leaf is the best guess of what the leaf holds, and the row it points to exists.
 * @param parent an interior page of the same tree
 * @param cell which of its entries, from 0, less than its `cellCount`
 * @param count how many times, as far as there is room; at least 1
 * @throws {LacunaError} `CORRUPT_PAGE` if the cell does not fit on its page
 */
export function placeholderIndexLeafLike(
  page: PlaceholderPage,
  parent: BtreePage,
  cell: number,
  count: number,
): Uint8Array {
  const reader = new CellReader();
  reader.read(parent, cell);
  const entry = parent.bytes.subarray(reader.offset + 4, reader.end);
  const bytes = blank(page);
  const at = page.usableSize - Math.max(4, entry.length);
  const cells = Math.max(1, Math.min(count, Math.floor((at - 8) / 2)));
  bytes[0] = 10;
  writeU16(bytes, 3, cells);
  writeU16(bytes, 5, at);
  bytes.set(entry, at);
  for (let index = 0; index < cells; index++) writeU16(bytes, 8 + 2 * index, at);
  return bytes;
}

export interface PlaceholderRowids {
  /** Every row id of the leaf is greater, as the separator before it says. */
  readonly after: Rowid;
  /** No row id of the leaf is greater, as its own separator says. */
  readonly upTo: Rowid;
  /** How many rows to assume where the range is larger than a leaf; at least 1. */
  readonly rows: number;
  /** Row ids that must be there because an index points to them. Those outside the range are left out. */
  readonly wanted?: Iterable<Rowid> | undefined;
  /** What each row is to hold. Default: a NULL */
  readonly record?: PlaceholderRecord | undefined;
}

/**
 * The row ids to put into a placeholder: every one of the range where there is room for all, else `rows` of them evenly
 * spread, and always the wanted ones as far as there is room. Ascending, without repeats; all of them fit on the page.
 * @throws {RangeError} if the range is empty
 */
export function placeholderRowids(page: PlaceholderPage, range: PlaceholderRowids): Rowid[] {
  const { after, upTo, rows, wanted, record = NULLS } = range;
  const { mostBytes, restBytes = 0 } = record;
  // A negative row id takes nine bytes; above that the largest takes the most.
  const rowidSize = after < 0 ? 9 : varintLength(upTo);
  const cellBytes = varintLength(mostBytes + restBytes) + rowidSize + mostBytes;
  const capacity = Math.floor((page.usableSize - 8 - restBytes) / (2 + Math.max(4, cellBytes)));
  if (typeof after === "number" && typeof upTo === "number" && upTo > after && upTo - after <= capacity) {
    const all: Rowid[] = [];
    for (let rowid = after + 1; rowid <= upTo; rowid++) all.push(rowid);
    return all;
  }
  const span = BigInt(upTo) - BigInt(after);
  if (span <= 0n) throw new RangeError(`expected row ids after ${after} and up to ${upTo}, which is none`);
  const chosen = new Set<bigint>();
  for (const rowid of wanted ?? []) {
    if (chosen.size >= capacity) break;
    if (rowid > after && rowid <= upTo) chosen.add(BigInt(rowid));
  }
  const count = span <= BigInt(capacity) ? span : BigInt(Math.max(1, Math.min(rows, capacity)));
  for (let row = 1n; row <= count && chosen.size < capacity; row++) {
    chosen.add(BigInt(after) + (row * span) / count);
  }
  return [...chosen].sort((a, b) => (a < b ? -1 : 1)).map((rowid) => narrow(rowid));
}
