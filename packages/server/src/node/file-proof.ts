import { type BigIntStats, statSync } from "node:fs";
import { type FileHandle, open, stat } from "node:fs/promises";
import { uptime } from "node:os";
import { setTimeout as sleep } from "node:timers/promises";
import { readAt } from "./read-at.ts";
import { backfilledFrames, parseSharedHeader } from "./shared-memory.ts";

/** How much of a write-ahead log has gone into the database file at most. */
export interface Backfill {
  /** The salts of the log, as they stand in its header. */
  readonly salts: string;
  /** No frame behind this one was ever copied. */
  readonly frames: number;
}

/** Facts of files looked at before SQLite was, for `provenStable` to compare with later. */
export interface FileProof {
  /** Changes whenever the database file is written to; `undefined` where its times cannot tell. */
  readonly stamp: string | undefined;
  readonly backfill: Backfill | undefined;
  /**
   * The file that was read, to be closed after the last connection: on POSIX systems, closing it gives up all locks that
   * the process has on it.
   */
  readonly handle: FileHandle | undefined;
}

/** File times do not tell apart what happens within this time. */
const CLOCK_TICK_MS = 25;
const ATTEMPTS = 8;

/**
 * Looks at the files of a database. Before any connection of this process is open: the first connection after a crash makes
 * the shared memory anew, and what it said is lost.
 */
export async function fileProof(path: string): Promise<FileProof> {
  const stamp = await fileStamp(path);
  const handle = await open(`${path}-shm`, "r").catch(() => undefined);
  return { stamp, backfill: handle && (await readBackfill(handle)), handle };
}

/**
 * A name for the present content of a file, by its times, size and inode. Waits until the last write is far enough in the
 * past for a later one to have another time.
 * @returns `undefined` if the file is written to all the time, or lies where times are too coarse
 */
export async function fileStamp(path: string): Promise<string | undefined> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const facts = await stat(path, { bigint: true });
    const [newest = 0n] = [facts.mtimeNs, facts.ctimeNs].sort((a, b) => Number(b - a));
    // Whole seconds are the mark of file systems that keep no fractions.
    if (newest % 1_000_000_000n === 0n) return undefined;
    const ageMs = Date.now() - Number(newest / 1_000_000n);
    if (ageMs < 0) return undefined;
    if (ageMs > CLOCK_TICK_MS) return stampOf(facts);
    await sleep(CLOCK_TICK_MS - ageMs + 1);
  }
  return undefined;
}

/** Whether a file still is as it was when the stamp was taken. */
export function stampHolds(path: string, stamp: string | undefined): boolean {
  return stamp === stampOf(statSync(path, { bigint: true }));
}

function stampOf({ dev, ino, size, mtimeNs, ctimeNs }: BigIntStats): string {
  return [dev, ino, size, mtimeNs, ctimeNs].map((fact) => fact.toString(36)).join("-");
}

/**
 * Reads how far checkpoints went from the shared memory beside the database.
 * @returns `undefined` if it says nothing, or may be older than the last start of the machine
 */
async function readBackfill(handle: FileHandle): Promise<Backfill | undefined> {
  const { mtimeMs } = await handle.stat();
  if (mtimeMs < Date.now() - uptime() * 1000) return undefined;
  const bytes = new Uint8Array(136);
  if ((await readAt(handle, bytes, 0, bytes.length, 0)) < bytes.length) return undefined;
  const header = parseSharedHeader(bytes);
  return header && { salts: header.salts, frames: backfilledFrames(bytes) };
}
