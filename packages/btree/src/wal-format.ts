import { isPageSize, type PageNo } from "@lacuna/page";
import { readU32, writeU32 } from "./big-endian.ts";

/** Bytes of the header of a write-ahead log. */
export const WAL_HEADER_BYTES = 32;
/** Bytes of the header before each page in a write-ahead log. */
export const WAL_FRAME_HEADER_BYTES = 24;

/** The header of a write-ahead log. File Format, "WAL File Format". */
export interface WalHeader {
  readonly pageSize: number;
  /** Byte order of the words that checksums are computed over, as the magic tells. */
  readonly checksumOrder: "big" | "little";
  /** How often the log was started again from its beginning. */
  readonly checkpointSequence: number;
  readonly salt1: number;
  readonly salt2: number;
}

/** The running checksum of a write-ahead log: two unsigned 32-bit words. */
export type WalChecksum = readonly [number, number];

const MAGIC = 0x377f0682;
const VERSION = 3007000;

/**
 * Continues a checksum over `bytes[start..end)`, whose length is a multiple of 8. File Format, "Checksum Algorithm".
 */
export function walChecksum(
  order: "big" | "little",
  seed: WalChecksum,
  bytes: Uint8Array,
  start: number,
  end: number,
): WalChecksum {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const little = order === "little";
  let [s0, s1] = seed;
  for (let at = start; at < end; at += 8) {
    s0 = (s0 + view.getUint32(at, little) + s1) | 0;
    s1 = (s1 + view.getUint32(at + 4, little) + s0) | 0;
  }
  return [s0 >>> 0, s1 >>> 0];
}

/**
 * Reads the header of a write-ahead log.
 * @returns `undefined` if the bytes are no valid header: then SQLite ignores the whole log
 */
export function parseWalHeader(
  bytes: Uint8Array,
): (WalHeader & { readonly checksum: WalChecksum }) | undefined {
  if (bytes.length < WAL_HEADER_BYTES) return undefined;
  const magic = readU32(bytes, 0);
  const pageSize = readU32(bytes, 8);
  if ((magic & ~1) >>> 0 !== MAGIC || readU32(bytes, 4) !== VERSION || !isPageSize(pageSize))
    return undefined;
  const checksumOrder = (magic & 1) === 1 ? "big" : "little";
  const checksum = walChecksum(checksumOrder, [0, 0], bytes, 0, 24);
  if (checksum[0] !== readU32(bytes, 24) || checksum[1] !== readU32(bytes, 28)) return undefined;
  return {
    pageSize,
    checksumOrder,
    checkpointSequence: readU32(bytes, 12),
    salt1: readU32(bytes, 16),
    salt2: readU32(bytes, 20),
    checksum,
  };
}

/** Writes a write-ahead log: its header, then frame after frame, keeping the running checksum. */
export class WalWriter {
  readonly header: WalHeader;
  #checksum: WalChecksum;

  /** @param checksum the checksum of the last frame when a log is continued; absent for a new log */
  constructor(header: WalHeader, checksum?: WalChecksum) {
    this.header = header;
    this.#checksum =
      checksum ?? walChecksum(header.checksumOrder, [0, 0], this.#headerWithoutChecksum(), 0, 24);
  }

  /** The checksum of what was written last. */
  get checksum(): WalChecksum {
    return this.#checksum;
  }

  /** The 32 bytes at the start of the log. */
  headerBytes(): Uint8Array {
    const bytes = this.#headerWithoutChecksum();
    const [s0, s1] = walChecksum(this.header.checksumOrder, [0, 0], bytes, 0, 24);
    writeU32(bytes, 24, s0);
    writeU32(bytes, 28, s1);
    return bytes;
  }

  /**
   * The next frame: a header of 24 bytes and a copy of the page.
   * @param commitPageCount pages of the database after the commit that this frame ends; 0 if it ends none
   */
  frame(page: PageNo, bytes: Uint8Array, commitPageCount = 0): Uint8Array {
    const { pageSize, checksumOrder, salt1, salt2 } = this.header;
    if (bytes.length !== pageSize) {
      throw new RangeError(`expected a page of ${pageSize} bytes, got ${bytes.length}`);
    }
    const frame = new Uint8Array(WAL_FRAME_HEADER_BYTES + pageSize);
    writeU32(frame, 0, page);
    writeU32(frame, 4, commitPageCount);
    writeU32(frame, 8, salt1);
    writeU32(frame, 12, salt2);
    frame.set(bytes, WAL_FRAME_HEADER_BYTES);
    const sum = walChecksum(checksumOrder, this.#checksum, frame, 0, 8);
    this.#checksum = walChecksum(checksumOrder, sum, frame, WAL_FRAME_HEADER_BYTES, frame.length);
    writeU32(frame, 16, this.#checksum[0]);
    writeU32(frame, 20, this.#checksum[1]);
    return frame;
  }

  #headerWithoutChecksum(): Uint8Array {
    const { pageSize, checksumOrder, checkpointSequence, salt1, salt2 } = this.header;
    const bytes = new Uint8Array(WAL_HEADER_BYTES);
    const words = [
      checksumOrder === "big" ? MAGIC + 1 : MAGIC,
      VERSION,
      pageSize,
      checkpointSequence,
      salt1,
      salt2,
    ];
    words.forEach((word, index) => {
      writeU32(bytes, 4 * index, word);
    });
    return bytes;
  }
}
