import type { PageNo } from "@lacuna/page";
import { writeU32 } from "../big-endian.ts";
import {
  WAL_FRAME_HEADER_BYTES,
  WAL_HEADER_BYTES,
  WAL_MAGIC,
  WAL_VERSION,
  type WalChecksum,
  type WalHeader,
  walChecksum,
} from "./wal-format.ts";

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
      checksumOrder === "big" ? WAL_MAGIC + 1 : WAL_MAGIC,
      WAL_VERSION,
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
