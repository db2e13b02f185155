import { isPageSize } from "@lacuna/page";
import { readU32 } from "../big-endian.ts";

/** Bytes of the header of a rollback journal that mean something. */
export const JOURNAL_HEADER_BYTES = 28;

/** The header of a rollback journal. File Format, "The Rollback Journal". */
export interface JournalHeader {
  /** Pages in the first segment of the journal; `undefined` where the length of the file decides. */
  readonly recordCount: number | undefined;
  /** Nonce of the checksums. */
  readonly nonce: number;
  /** Pages of the database before the transaction. */
  readonly initialPageCount: number;
  readonly sectorSize: number;
  /** 0 where an old writer left it out: then it is that of the database. */
  readonly pageSize: number;
}

const MAGIC = [0xd9, 0xd5, 0x05, 0xf9, 0x20, 0xa1, 0x63, 0xd7];

/** True if the eight bytes at `offset` begin a header, or end the name of a super-journal. */
export const isJournalMagic = (bytes: Uint8Array, offset: number): boolean =>
  MAGIC.every((byte, index) => bytes[offset + index] === byte);

/**
 * Reads the header of a rollback journal, to find out whether one lies beside a database. If it does and nobody holds
 * the database locked, the journal is hot: the database file alone is not a consistent state.
 * @param bytes the start of the file `NAME-journal`
 * @returns `undefined` if there is nothing to roll back: the file is empty, shorter than a header, its header was
 *   wiped, as `journal_mode=PERSIST` does after a commit, or is none that SQLite would follow
 */
export function parseJournalHeader(bytes: Uint8Array): JournalHeader | undefined {
  if (bytes.length < JOURNAL_HEADER_BYTES || !isJournalMagic(bytes, 0)) return undefined;
  const recordCount = readU32(bytes, 8);
  const sectorSize = readU32(bytes, 20);
  const pageSize = readU32(bytes, 24);
  // Sectors are powers of two as pages are, but may be smaller.
  const isSector = isPageSize(sectorSize < 512 ? sectorSize * 16 : sectorSize);
  if ((pageSize !== 0 && !isPageSize(pageSize)) || !isSector) return undefined;
  return {
    recordCount: recordCount === 0xffff_ffff ? undefined : recordCount,
    nonce: readU32(bytes, 12),
    initialPageCount: readU32(bytes, 16),
    sectorSize,
    pageSize,
  };
}
