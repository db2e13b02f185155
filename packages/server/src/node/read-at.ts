import { readSync } from "node:fs";
import type { FileHandle } from "node:fs/promises";

/** Reads into `target[from..to)` from a position of the file. @returns the bytes read, fewer only at the end of the file */
export async function readAt(
  handle: FileHandle,
  target: Uint8Array,
  from: number,
  to: number,
  position: number,
): Promise<number> {
  let done = 0;
  while (from + done < to) {
    const { bytesRead } = await handle.read(target, from + done, to - from - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** The same at once, for reads that are small and mostly in memory. */
export function readAtNow(
  handle: FileHandle,
  target: Uint8Array,
  from: number,
  to: number,
  position: number,
): number {
  let done = 0;
  while (from + done < to) {
    const bytesRead = readSync(handle.fd, target, from + done, to - from - done, position + done);
    if (bytesRead === 0) break;
    done += bytesRead;
  }
  return done;
}

/** What is read at once, in bytes. More might keep everybody waiting, should it not be in memory. */
const FEW_BYTES = 16_384;

/** A few pages are mostly in the system's memory, and read at once; many by another thread, while this one sends others. */
export function readFewAt(
  handle: FileHandle,
  target: Uint8Array,
  from: number,
  to: number,
  position: number,
): number | Promise<number> {
  const read = to - from <= FEW_BYTES ? readAtNow : readAt;
  return read(handle, target, from, to, position);
}
