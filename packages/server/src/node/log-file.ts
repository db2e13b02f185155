import { type FileHandle, open, stat } from "node:fs/promises";
import {
  parseWalHeader,
  WAL_FRAME_HEADER_BYTES,
  WAL_HEADER_BYTES,
  type WalCommit,
  type WalHeader,
  WalIndex,
} from "@lacuna/btree/wal";
import type { PageNo } from "@lacuna/page";
import { readAt, readAtNow } from "./read-at.ts";

/** A write-ahead log that was begun. */
export interface BegunLog {
  readonly header: WalHeader;
  readonly handle: FileHandle;
}

/** What a write-ahead log held at one moment. */
export interface LogState extends BegunLog {
  readonly commit: WalCommit;
  /** Where the newest bytes of a page start, for the pages the log holds. */
  readonly offsets: ReadonlyMap<PageNo, number>;
  readonly modifiedNs: bigint;
}

/** What there is of a log. */
export interface LogFacts {
  readonly exists: boolean;
  readonly begun: BegunLog | undefined;
  readonly state: LogState | undefined;
}

const READ_BYTES = 1 << 20;

/** The write-ahead log beside a database file, read as far as it has grown. */
export class LogFile {
  readonly #path: string;
  #handle: FileHandle | undefined;
  #identity = "";
  #index = new WalIndex();
  #state: LogState | undefined;
  /** Handles of logs that were deleted and made anew; views may still read from them. */
  readonly #retired: FileHandle[] = [];

  constructor(databasePath: string) {
    this.#path = `${databasePath}-wal`;
  }

  /**
   * Reads what was appended since. Call it one at a time, and with a read lock held: then every page of the answer stays
   * where it is said to be until the lock is released.
   * @returns whether there is a log, and its last whole transaction, if it holds one
   */
  async refresh(): Promise<LogFacts> {
    const found = await this.#reopen();
    if (found === undefined) return { exists: false, begun: undefined, state: undefined };
    const { handle, modifiedNs, size } = found;
    // With everything checkpointed a writer may start the log again even under a read lock, header first.
    // Frames belong to the header only if it is still the same after they were read.
    for (let header = await readHeader(handle); ; ) {
      await this.#append(handle, this.#index.begin(header), size);
      const again = await readHeader(handle);
      if (header.length === again.length && header.every((byte, i) => byte === again[i])) break;
      header = again;
    }
    return this.#current(handle, modifiedNs);
  }

  /**
   * The same at once, while writers are kept out.
   * @returns `undefined` if no log was open
   */
  refreshNow(): LogState | undefined {
    const handle = this.#handle;
    if (handle === undefined) return undefined;
    const bytes = new Uint8Array(WAL_HEADER_BYTES);
    let at = this.#index.begin(bytes.subarray(0, readAtNow(handle, bytes, 0, bytes.length, 0)));
    const buffer = new Uint8Array(READ_BYTES);
    for (let next = at; ; at = next) {
      next = this.#index.append(buffer.subarray(0, readAtNow(handle, buffer, 0, buffer.length, at)));
      if (next === at) break;
    }
    return this.#current(handle, this.#state?.modifiedNs ?? 0n).state;
  }

  #current(handle: FileHandle, modifiedNs: bigint): LogFacts {
    const { header, lastCommit } = this.#index;
    if (header === undefined || lastCommit === undefined) this.#state = undefined;
    else if (this.#state?.commit !== lastCommit) {
      const { offsets } = this.#index.snapshot();
      this.#state = { header, commit: lastCommit, offsets, handle, modifiedNs };
    }
    return { exists: true, begun: header && { header, handle }, state: this.#state };
  }

  async close(): Promise<void> {
    await Promise.all([this.#handle, ...this.#retired].map((handle) => handle?.close()));
    this.#handle = undefined;
    this.#retired.length = 0;
  }

  async #append(handle: FileHandle, from: number, size: number): Promise<void> {
    const { header } = this.#index;
    if (header === undefined) return;
    // Mostly nothing was appended: one frame tells, where what was left by an older log may be long.
    let buffer = new Uint8Array(WAL_FRAME_HEADER_BYTES + header.pageSize);
    for (let at = from; ; ) {
      const read = await readAt(handle, buffer, 0, buffer.length, at);
      const next = this.#index.append(buffer.subarray(0, read));
      // What is written meanwhile is for the next time: a writer may be as fast as this.
      if (next === at || next >= size) return;
      at = next;
      if (buffer.length < READ_BYTES) buffer = new Uint8Array(READ_BYTES);
    }
  }

  async #reopen(): Promise<
    { readonly handle: FileHandle; readonly modifiedNs: bigint; readonly size: number } | undefined
  > {
    const facts = await stat(this.#path, { bigint: true }).catch(ignoreMissing);
    const identity = facts === undefined ? "" : `${facts.dev}:${facts.ino}`;
    if (identity !== this.#identity || this.#handle === undefined) {
      if (this.#handle !== undefined) this.#retired.push(this.#handle);
      this.#handle = undefined;
      this.#index = new WalIndex();
      this.#state = undefined;
      this.#identity = identity;
      if (facts !== undefined) this.#handle = await open(this.#path, "r").catch(ignoreMissing);
    }
    if (this.#handle === undefined || facts === undefined) return undefined;
    return { handle: this.#handle, modifiedNs: facts.mtimeNs, size: Number(facts.size) };
  }
}

/**
 * Whether the log still is the one of that state. A writer may start it again under a read lock when all of it was
 * checkpointed; it does so before it overwrites the first frame, and the database file then holds everything.
 */
export async function isSameLog({ handle, header }: LogState): Promise<boolean> {
  const found = parseWalHeader(await readHeader(handle));
  return found !== undefined && found.salt1 === header.salt1 && found.salt2 === header.salt2;
}

async function readHeader(handle: FileHandle): Promise<Uint8Array> {
  const header = new Uint8Array(WAL_HEADER_BYTES);
  return header.subarray(0, await readAt(handle, header, 0, header.length, 0));
}

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
