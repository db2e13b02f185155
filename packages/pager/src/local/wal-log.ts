import {
  WAL_FRAME_HEADER_BYTES,
  WAL_HEADER_BYTES,
  type WalHeader,
  WalIndex,
  WalWriter,
} from "@lacuna/btree/wal";
import { type ByteFile, LacunaError, type PageNo } from "@lacuna/page";
import { writeJoined } from "./joined-writes.ts";
import type { RunningChecksum } from "./running-checksum.ts";

const READ_BYTES = 1 << 20;

/** The end of a transaction in a write-ahead log. */
export interface WalPosition {
  /** File offset after its commit frame; `WAL_HEADER_BYTES` for a log without any. */
  readonly end: number;
  /** Of everything up to there. */
  readonly checksum: RunningChecksum;
}

/** The salts of a log: frames with others are not part of it. */
export type WalSalts = readonly [number, number];

/** A transaction as it is or will be in the log. */
export interface WalTransaction {
  readonly start: number;
  readonly position: WalPosition;
  readonly pageCount: number;
  /** A header and a page each. */
  readonly frames: readonly Uint8Array[];
  readonly pages: readonly PageNo[];
}

/** What a log held when it was opened. */
export interface RecoveredWal {
  readonly log: WalLog;
  /** Pages of the database after the last transaction; `undefined` if there is none. */
  readonly pageCount: number | undefined;
  /** Where the newest bytes of each page are in the file. */
  readonly offsets: ReadonlyMap<PageNo, number>;
}

/** A SQLite write-ahead log that is appended to. File Format, "WAL File Format". */
export class WalLog {
  readonly file: ByteFile;
  readonly header: WalHeader;
  #writer: WalWriter;
  #position: WalPosition;
  #written: WalPosition;

  /** A log with those salts that nothing was written to yet, or one that ends at `position`. */
  constructor(file: ByteFile, pageSize: number, [salt1, salt2]: WalSalts, position?: WalPosition) {
    this.file = file;
    this.header = { pageSize, checksumOrder: "little", checkpointSequence: 0, salt1, salt2 };
    this.#writer = new WalWriter(this.header, position?.checksum);
    this.#position = position ?? { end: WAL_HEADER_BYTES, checksum: this.#writer.checksum };
    this.#written = this.#position;
  }

  /**
   * Reads the log that is in the file, up to its last whole transaction. `cut` removes what comes after it.
   * @param onCommit told of every whole transaction, in order
   * @throws {LacunaError} `REPLICA_CORRUPT` if somebody else's log is there
   */
  static async recover(
    file: ByteFile,
    pageSize: number,
    salts: WalSalts,
    onCommit: (position: WalPosition) => void = () => {},
  ): Promise<RecoveredWal> {
    const size = await file.size();
    const index = new WalIndex();
    const header = new Uint8Array(WAL_HEADER_BYTES);
    let at = index.begin(header.subarray(0, await file.read(header, 0)));
    const fresh = new WalLog(file, pageSize, salts);
    checkHeader(index.header, fresh.header, header, size);
    const frameBytes = WAL_FRAME_HEADER_BYTES + pageSize;
    const frames = Math.floor(Math.min(READ_BYTES, size) / frameBytes);
    const buffer = new Uint8Array(Math.max(1, frames) * frameBytes);
    let seen = index.lastCommit;
    for (let valid = index.header !== undefined; valid; ) {
      const read = await file.read(buffer, at);
      valid = read >= frameBytes;
      for (let from = 0; valid && from + frameBytes <= read; from += frameBytes) {
        const next = index.append(buffer.subarray(from, from + frameBytes));
        valid = next > at;
        at = next;
        if (index.lastCommit !== undefined && index.lastCommit !== seen) onCommit(index.lastCommit);
        seen = index.lastCommit;
      }
    }
    const { commit, offsets } = index.snapshot();
    if (commit === undefined) return { log: fresh, pageCount: undefined, offsets };
    const position = { end: commit.end, checksum: commit.checksum };
    return { log: new WalLog(file, pageSize, salts, position), pageCount: commit.pageCount, offsets };
  }

  get salts(): WalSalts {
    return [this.header.salt1, this.header.salt2];
  }

  /** Where the next transaction begins, written or not. */
  get position(): WalPosition {
    return this.#position;
  }

  /** Up to where the file is known to be durable. */
  get written(): WalPosition {
    return this.#written;
  }

  /** Where the bytes of each page of a transaction start. */
  offsetsOf({ start, pages }: WalTransaction): [PageNo, number][] {
    const frameBytes = WAL_FRAME_HEADER_BYTES + this.header.pageSize;
    return pages.map((page, i) => [page, start + i * frameBytes + WAL_FRAME_HEADER_BYTES]);
  }

  /** Bytes of the log in the file, header included; 0 if it has no transaction. */
  get bytes(): number {
    return this.#written.end === WAL_HEADER_BYTES ? 0 : this.#written.end;
  }

  /** Frames of the log in the file. */
  get frames(): number {
    return (this.#written.end - WAL_HEADER_BYTES) / (WAL_FRAME_HEADER_BYTES + this.header.pageSize);
  }

  /**
   * Gives pages their place after what was prepared before. The arrays may change afterwards.
   * @param pageCount pages of the database after it; 0: the transaction goes on with the next one
   */
  prepare(entries: readonly (readonly [PageNo, Uint8Array])[], pageCount: number): WalTransaction {
    const start = this.#position.end;
    const frames = entries.map(([page, bytes], i) =>
      this.#writer.frame(page, bytes, i === entries.length - 1 ? pageCount : 0),
    );
    const end = start + frames.length * (WAL_FRAME_HEADER_BYTES + this.header.pageSize);
    this.#position = { end, checksum: this.#writer.checksum };
    return { start, position: this.#position, pageCount, frames, pages: entries.map(([page]) => page) };
  }

  /** Forgets what was prepared and not written. */
  rewind(): void {
    this.#position = this.#written;
    this.#writer = new WalWriter(this.header, this.#position.checksum);
  }

  /** Writes transactions, which follow each other and what was written before, and makes them durable. */
  async write(transactions: readonly WalTransaction[]): Promise<void> {
    const last = transactions.at(-1);
    if (last === undefined) return;
    const frames = transactions.flatMap(({ frames }) => frames);
    const first = this.#written.end === WAL_HEADER_BYTES;
    if (first) frames.unshift(this.#writer.headerBytes());
    await writeJoined(this.file, frames, first ? 0 : this.#written.end);
    await this.file.sync();
    this.#written = last.position;
  }

  /** Durably removes from the file whatever a crash or a failed write may have left. */
  async cut(): Promise<void> {
    if ((await this.file.size()) === this.bytes) return;
    await this.file.truncate(this.bytes);
    await this.file.sync();
  }
}

function checkHeader(
  found: WalHeader | undefined,
  expected: WalHeader,
  bytes: Uint8Array,
  size: number,
): void {
  if (found === undefined) {
    // What a crash leaves of the first write: nothing, its beginning, or a hole.
    if (size < WAL_HEADER_BYTES || bytes.every((byte) => byte === 0)) return;
    throw new LacunaError("REPLICA_CORRUPT", `the write-ahead log of ${size} bytes does not begin like one`);
  }
  const { salt1, salt2, pageSize } = expected;
  if (found.salt1 === salt1 && found.salt2 === salt2 && found.pageSize === pageSize) return;
  throw new LacunaError(
    "REPLICA_CORRUPT",
    "the write-ahead log was not written by this replica: another program has written to the database file. " +
      "It was left alone. Move it away to go back to what the replica held",
  );
}
