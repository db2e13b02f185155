import { isPageNo, type PageNo } from "@lacuna/page";
import { readU32 } from "../big-endian.ts";
import {
  parseWalHeader,
  WAL_FRAME_HEADER_BYTES,
  WAL_HEADER_BYTES,
  type WalChecksum,
  type WalHeader,
  walChecksum,
} from "./wal-format.ts";

/** One transaction that a write-ahead log holds whole. */
export interface WalCommit {
  /** Pages of the database after the commit. */
  readonly pageCount: number;
  /** Frames of the log up to and with the commit frame. */
  readonly frameCount: number;
  /** File offset after the commit frame: where the next transaction is written. */
  readonly end: number;
  /** The checksum of the commit frame, to continue the log with `WalWriter`. */
  readonly checksum: WalChecksum;
}

/**
 * Which pages a write-ahead log holds, as of its last whole transaction. It reads nothing itself: it says where to read
 * and is handed the bytes, again each time the file may have grown.
 *
 * ```ts
 * const log = new WalIndex();
 * let at = log.begin(read(0, 32));
 * for (let next = at; ; at = next) {
 *   next = log.append(read(at, 1 << 20)); // at least one frame: page size + 24 bytes
 *   if (next === at) break;
 * }
 * ```
 *
 * Another process may write the log meanwhile. Frames are believed when salts and checksums fit and a commit frame
 * ends them, so a half-written transaction is never seen. File Format, "Reader Algorithm".
 */
export class WalIndex {
  #header: ReturnType<typeof parseWalHeader>;
  #commit: WalCommit | undefined;
  #pages = new Map<PageNo, number>();
  // The transaction being read: it counts once its commit frame was seen.
  #pending = new Map<PageNo, number>();
  #next = WAL_HEADER_BYTES;
  #checksum: WalChecksum = [0, 0];

  /** The header of the log; `undefined` if it has no valid one, which makes it an empty log. */
  get header(): WalHeader | undefined {
    return this.#header;
  }

  /** The last whole transaction; `undefined` if the log holds none: the database file alone counts. */
  get lastCommit(): WalCommit | undefined {
    return this.#commit;
  }

  /** The pages that the log holds, in no particular order. */
  get pages(): Iterable<PageNo> {
    return this.#pages.keys();
  }

  /** How many different pages the log holds. */
  get size(): number {
    return this.#pages.size;
  }

  /**
   * Starts or resumes reading. When the header is not the one seen before, the log was started again and everything
   * known of it is forgotten. Frames of an unfinished transaction are read anew.
   * @param header the first 32 bytes of the log, fewer if the file is shorter
   * @returns the file offset of the first byte that `append` wants
   */
  begin(header: Uint8Array): number {
    const parsed = parseWalHeader(header);
    const same = parsed !== undefined && JSON.stringify(parsed) === JSON.stringify(this.#header);
    if (!same) {
      this.#header = parsed;
      this.#commit = undefined;
      this.#pages = new Map();
    }
    this.#pending.clear();
    this.#next = this.#commit?.end ?? WAL_HEADER_BYTES;
    this.#checksum = this.#commit?.checksum ?? parsed?.checksum ?? [0, 0];
    return this.#next;
  }

  /**
   * Takes the bytes at the offset that `begin` or `append` returned last. Whole valid frames are consumed; anything
   * after them is not.
   * @returns the file offset to go on from. If it did not move, the log ends here: at its end, at a frame that is left
   *   over from before a restart, or at one that is not written completely.
   */
  append(bytes: Uint8Array): number {
    const header = this.#header;
    if (header === undefined) return this.#next;
    const frameBytes = WAL_FRAME_HEADER_BYTES + header.pageSize;
    for (let at = 0; at + frameBytes <= bytes.length; at += frameBytes) {
      const page = readU32(bytes, at);
      if (readU32(bytes, at + 8) !== header.salt1 || readU32(bytes, at + 12) !== header.salt2) break;
      if (!isPageNo(page)) break;
      const sum = walChecksum(header.checksumOrder, this.#checksum, bytes, at, at + 8);
      const checksum = walChecksum(
        header.checksumOrder,
        sum,
        bytes,
        at + WAL_FRAME_HEADER_BYTES,
        at + frameBytes,
      );
      if (checksum[0] !== readU32(bytes, at + 16) || checksum[1] !== readU32(bytes, at + 20)) break;
      this.#checksum = checksum;
      this.#pending.set(page, this.#next + WAL_FRAME_HEADER_BYTES);
      this.#next += frameBytes;
      const pageCount = readU32(bytes, at + 4);
      if (pageCount !== 0) this.#finish(pageCount, frameBytes, checksum);
    }
    return this.#next;
  }

  /** Where the newest committed bytes of the page start in the log file; `undefined` if the log does not hold it. */
  offsetOf(page: PageNo): number | undefined {
    return this.#pages.get(page);
  }

  /**
   * A copy of what is known now, which later `begin` and `append` leave alone. It stays true of the file until the log is
   * started again.
   */
  snapshot(): { readonly commit: WalCommit | undefined; readonly offsets: ReadonlyMap<PageNo, number> } {
    return { commit: this.#commit, offsets: new Map(this.#pages) };
  }

  #finish(pageCount: number, frameBytes: number, checksum: WalChecksum): void {
    for (const [page, offset] of this.#pending) this.#pages.set(page, offset);
    this.#pending.clear();
    const frameCount = (this.#next - WAL_HEADER_BYTES) / frameBytes;
    this.#commit = { pageCount, frameCount, end: this.#next, checksum };
  }
}
