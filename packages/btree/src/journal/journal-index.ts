import { isPageNo, type PageNo } from "@lacuna/page";
import { readU32 } from "../big-endian.ts";
import {
  isJournalMagic,
  JOURNAL_HEADER_BYTES,
  type JournalHeader,
  parseJournalHeader,
} from "./journal-header.ts";

/** Below this a journal is never played back: SQLite expects its header to fill a sector. */
const LEAST_JOURNAL_BYTES = 512;
/** Bytes of a record besides its page: the page number before it, the checksum behind. */
const RECORD_EXTRA_BYTES = 8;

/**
 * Which pages a rollback journal holds, as they were before its transaction: those that SQLite would write back. It reads
 * nothing itself: it says where to read and is handed the bytes.
 *
 * ```ts
 * const journal = new JournalIndex(read(0, 28), journalBytes, databasePageSize);
 * for (let at = journal.next; at !== undefined; at = journal.next) {
 *   journal.append(read(at, 1 << 20)); // at least one record: page size + 8 bytes
 * }
 * ```
 *
 * A record counts when its segment's header counts it and its checksum fits. What follows the first one that does not was
 * never synced, so that its pages of the database were not written to. File Format, "The Rollback Journal".
 */
export class JournalIndex {
  /** `undefined` if there is nothing to roll back. */
  readonly header: JournalHeader | undefined;
  /** Bytes per page in this journal, which are those per page of the database before the transaction. */
  readonly pageSize: number;
  readonly #bytes: number;
  readonly #pages = new Map<PageNo, number>();
  #next: number | undefined;
  #nonce: number;
  /** Records of this segment that are still to come. */
  #left: number;

  /**
   * @param head the first 28 bytes of the journal, fewer if it is shorter
   * @param journalBytes the length of the journal
   * @param databasePageSize counts where the journal does not tell the page size
   */
  constructor(head: Uint8Array, journalBytes: number, databasePageSize: number) {
    this.header = journalBytes < LEAST_JOURNAL_BYTES ? undefined : parseJournalHeader(head);
    this.pageSize = this.header?.pageSize || databasePageSize;
    this.#bytes = journalBytes;
    this.#nonce = this.header?.nonce ?? 0;
    this.#left = this.#recordsOf(this.header?.recordCount);
    this.#next = this.header?.sectorSize;
  }

  /** The offset of the first byte that `append` wants; `undefined` when the journal ends before it. */
  get next(): number | undefined {
    return this.#next;
  }

  /** The pages that the journal holds, in no particular order. */
  get pages(): Iterable<PageNo> {
    return this.#pages.keys();
  }

  /** Where the bytes of the page start in the journal; `undefined` if the journal does not hold it. */
  offsetOf(page: PageNo): number | undefined {
    return this.#pages.get(page);
  }

  /**
   * Takes the bytes at `next`: as many as there are, or enough for a record. Whole records and headers are consumed, and
   * `next` moves behind them.
   */
  append(bytes: Uint8Array): void {
    const start = this.#next;
    if (start === undefined) return;
    while (this.#next !== undefined) {
      const isRecord = this.#left > 0;
      const from = isRecord ? this.#next : this.#nextSector(this.#next);
      const length = isRecord ? this.pageSize + RECORD_EXTRA_BYTES : JOURNAL_HEADER_BYTES;
      const at = from - start;
      if (at + length > bytes.length) {
        // Nothing consumed and still too little: the file became shorter.
        const isCut = from + length > this.#bytes || at === 0;
        this.#next = isCut ? undefined : from;
        return;
      }
      if (isRecord) this.#takeRecord(bytes, at, from);
      else this.#takeHeader(bytes, at, from);
    }
  }

  #takeRecord(bytes: Uint8Array, at: number, from: number): void {
    const { header, pageSize } = this;
    const page = readU32(bytes, at);
    // The page with the lock byte is never written; its number stands before the name of a super-journal.
    const lockPage = Math.floor(0x4000_0000 / pageSize) + 1;
    const content = bytes.subarray(at + 4, at + 4 + pageSize);
    const isOutside = page > (header?.initialPageCount ?? 0);
    const fits = isOutside || journalChecksum(this.#nonce, content) === readU32(bytes, at + 4 + pageSize);
    if (page === lockPage || page === 0 || !fits) {
      this.#next = undefined;
      return;
    }
    if (!isOutside && isPageNo(page)) this.#pages.set(page, from + 4);
    this.#left--;
    this.#next = from + pageSize + RECORD_EXTRA_BYTES;
  }

  #takeHeader(bytes: Uint8Array, at: number, from: number): void {
    const sectorSize = this.header?.sectorSize ?? 0;
    if (from + sectorSize > this.#bytes || !isJournalMagic(bytes, at)) {
      this.#next = undefined;
      return;
    }
    const count = readU32(bytes, at + 8);
    this.#left = this.#recordsOf(count === 0xffff_ffff ? undefined : count);
    this.#nonce = readU32(bytes, at + 12);
    this.#next = from + sectorSize;
  }

  /** Without a count, as many as the whole file has room for. */
  #recordsOf(count: number | undefined): number {
    const room = this.#bytes - (this.header?.sectorSize ?? 0);
    return count ?? Math.floor(room / (this.pageSize + RECORD_EXTRA_BYTES));
  }

  #nextSector(offset: number): number {
    const sectorSize = this.header?.sectorSize ?? 1;
    return Math.ceil(offset / sectorSize) * sectorSize;
  }
}

/** Every two hundredth byte of a page, counted from its end, added to the nonce. */
function journalChecksum(nonce: number, page: Uint8Array): number {
  let sum = nonce;
  for (let at = page.length - 200; at > 0; at -= 200) sum += page[at] as number;
  return sum >>> 0;
}
