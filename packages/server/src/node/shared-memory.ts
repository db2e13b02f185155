import { endianness } from "node:os";

/** Whether numbers are as this machine has them: least byte first. */
const NATIVE = endianness() === "LE";

/** Its header, twice. What follows holds locks, which on Windows keep others from reading there. */
export const SHARED_HEADER_BYTES = 96;

/** What the shared memory says of the log. To be believed under a lock, or where the machine was not started since. */
export interface SharedHeader {
  /** The salts of the log, as they stand in its header. */
  readonly salts: string;
  /** Frames that are committed. Those behind them SQLite never counts, whole or not, and writes over. */
  readonly frames: number;
}

const VERSION = 3_007_000;

/**
 * Reads the header of the shared memory beside a log. File Format, "WAL-Index Format".
 * @returns `undefined` if it says nothing, or is being changed
 */
export function parseSharedHeader(bytes: Uint8Array): SharedHeader | undefined {
  if (bytes.length < SHARED_HEADER_BYTES) return undefined;
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const [first, second] = [bytes.subarray(0, 48), bytes.subarray(48, 96)].map((copy) => copy.join());
  if (view.getUint32(0, NATIVE) !== VERSION || view.getUint8(12) !== 1 || first !== second) return undefined;
  return { salts: saltsName(view.getUint32(32), view.getUint32(36)), frames: view.getUint32(16, NATIVE) };
}

/** Up to which frame a log may have been copied into the database file, from 136 bytes of the shared memory. */
export function backfilledFrames(bytes: Uint8Array): number {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength).getUint32(128, NATIVE);
}

/** One word for the two salts of a log. */
export const saltsName = (salt1: number, salt2: number): string =>
  `${salt1.toString(36)}-${salt2.toString(36)}`;
