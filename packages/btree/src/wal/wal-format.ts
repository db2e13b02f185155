import { isPageSize } from "@lacuna/page";
import { readU32 } from "../big-endian.ts";

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

/** The magic with little-endian checksums; one more means big-endian. */
export const WAL_MAGIC = 0x377f0682;
export const WAL_VERSION = 3007000;

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
  if ((magic & ~1) >>> 0 !== WAL_MAGIC || readU32(bytes, 4) !== WAL_VERSION || !isPageSize(pageSize))
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
