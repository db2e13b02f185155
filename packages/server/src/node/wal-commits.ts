import { WAL_FRAME_HEADER_BYTES, WAL_HEADER_BYTES } from "@lacuna/btree/wal";
import type { PageNo } from "@lacuna/page";
import type { BegunLog, LogState } from "./log-file.ts";
import { readAtNow } from "./read-at.ts";
import { saltsName } from "./shared-memory.ts";

/** One transaction of a write-ahead log. */
export interface LoggedCommit {
  /** Pages of the database after it. */
  readonly pageCount: number;
  /** Frames of the log up to its end. */
  readonly frameCount: number;
  /** The checksum of its last frame, which stands for everything up to it. */
  readonly checksum: string;
  /** Where its bytes of each page that it wrote start. */
  readonly offsets: ReadonlyMap<PageNo, number>;
}

const BLOCK_BYTES = 1 << 20;

/**
 * The transactions that a log holds behind a frame, in their order. The log must be kept from being started again.
 * File Format, "WAL Frame Format".
 * @param from the frame, counted from 1, that the transaction before the first one ended with; 0 for the start
 */
export function* loggedCommits(log: LogState, from: number): Generator<LoggedCommit, void, undefined> {
  const frameBytes = WAL_FRAME_HEADER_BYTES + log.header.pageSize;
  const perBlock = Math.max(1, Math.floor(BLOCK_BYTES / frameBytes));
  const { frameCount } = log.commit;
  let offsets = new Map<PageNo, number>();
  for (let first = from; first < frameCount; first += perBlock) {
    const frames = Math.min(perBlock, frameCount - first);
    const start = WAL_HEADER_BYTES + first * frameBytes;
    const block = new DataView(new ArrayBuffer(frames * frameBytes));
    readAtNow(log.handle, new Uint8Array(block.buffer), 0, block.byteLength, start);
    for (let i = 0; i < frames; i++) {
      const at = i * frameBytes;
      offsets.set(block.getUint32(at) as PageNo, start + at + WAL_FRAME_HEADER_BYTES);
      const pageCount = block.getUint32(at + 4);
      if (pageCount === 0) continue;
      yield { pageCount, frameCount: first + i + 1, checksum: checksumName(block, at), offsets };
      offsets = new Map();
    }
  }
}

/** The checksum that ends a frame, in the words of `LoggedCommit`. Frames are counted from 1. */
export function frameChecksum(log: BegunLog, frame: number): string {
  return checksumName(frameHeader(log, frame), 0);
}

/** The salts of a frame, which may be left over from an earlier log; those of no log behind the end of the file. */
export function frameSalts(log: BegunLog, frame: number): string {
  const header = frameHeader(log, frame);
  return saltsName(header.getUint32(8), header.getUint32(12));
}

function frameHeader({ handle, header }: BegunLog, frame: number): DataView {
  const bytes = new Uint8Array(WAL_FRAME_HEADER_BYTES);
  const at = WAL_HEADER_BYTES + (frame - 1) * (WAL_FRAME_HEADER_BYTES + header.pageSize);
  readAtNow(handle, bytes, 0, bytes.length, at);
  return new DataView(bytes.buffer);
}

function checksumName(frame: DataView, at: number): string {
  return `${frame.getUint32(at + 16).toString(36)}-${frame.getUint32(at + 20).toString(36)}`;
}
