import { type FileHandle, open, stat } from "node:fs/promises";
import {
  parseWalHeader,
  WAL_FRAME_HEADER_BYTES,
  WAL_HEADER_BYTES,
  type WalCommit,
  type WalHeader,
  WalIndex,
} from "@lacuna/btree/wal";
import { LacunaError, type PageNo } from "@lacuna/page";
import { readAt, readAtNow } from "./read-at.ts";
import { parseSharedHeader, SHARED_HEADER_BYTES, saltsName } from "./shared-memory.ts";

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

/** How often the files are looked at while a writer changes what they begin with, which takes it no time. */
const LOOKS = 1000;

/**
 * The write-ahead log beside a database file, read as far as it has grown.
 *
 * Under a lock it is read as far as the shared memory says and not as far as it looks whole: a writer that is killed, or
 * whose disk fails, may leave a whole commit behind that SQLite never counts, and the next writer writes over it.
 */
export class LogFile {
  readonly #path: string;
  readonly #memoryPath: string;
  #handle: FileHandle | undefined;
  /** Of the shared memory. */
  #memory: FileHandle | undefined;
  #identity = "";
  #index = new WalIndex();
  #state: LogState | undefined;
  /**
   * Handles of files that were deleted and made anew; views may still read from logs, and closing a shared memory that is
   * still there would give up all locks that the process has on it.
   */
  readonly #retired: FileHandle[] = [];

  constructor(databasePath: string) {
    this.#path = `${databasePath}-wal`;
    this.#memoryPath = `${databasePath}-shm`;
  }

  /**
   * Reads what was appended since. Call it one at a time, and with a read lock held: then every page of the answer stays
   * where it is said to be until the lock is released.
   * @param locked whether a read lock is held
   * @returns whether there is a log, and its last whole transaction, if it holds one
   * @throws {LacunaError} `BUSY` if the files never agree, such as after a writer was killed as it changed the shared memory
   */
  async refresh(locked: boolean): Promise<LogFacts> {
    const found = await this.#reopen(locked);
    if (found === undefined) return { exists: false, begun: undefined, state: undefined };
    const { handle, modifiedNs, size } = found;
    // With everything checkpointed a writer may start the log again even under a read lock, header first.
    // Frames belong to the header only if it is still the same after they were read.
    let header = await readHeader(handle);
    for (let look = 0; look < LOOKS; look++) {
      const from = this.#index.begin(header);
      const end = locked ? this.#committedEnd() : Number.POSITIVE_INFINITY;
      if (end !== undefined) await this.#append(handle, from, { size, end });
      const again = await readHeader(handle);
      if (end !== undefined && sameBytes(header, again)) return this.#current(handle, modifiedNs);
      header = again;
    }
    throw new LacunaError("BUSY", "the log was started again each time it was looked at", {
      path: this.#path,
    });
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
    const end = this.#committedEnd() ?? at;
    const buffer = new Uint8Array(READ_BYTES);
    for (let next = at; at < end; at = next) {
      const length = Math.min(buffer.length, end - at);
      next = this.#index.append(buffer.subarray(0, readAtNow(handle, buffer, 0, length, at)));
      if (next === at) break;
    }
    return this.#current(handle, this.#state?.modifiedNs ?? 0n).state;
  }

  /**
   * Where the last commit ends that SQLite counts, in the log whose header was read last.
   * @returns `undefined` if the log was started again since
   */
  #committedEnd(): number | undefined {
    // Where SQLite keeps no shared memory in a file, all there is to go by is the log.
    if (this.#memory === undefined) return Number.POSITIVE_INFINITY;
    const { header } = this.#index;
    if (header === undefined) return WAL_HEADER_BYTES;
    const bytes = new Uint8Array(SHARED_HEADER_BYTES);
    for (let look = 0; look < LOOKS; look++) {
      readAtNow(this.#memory, bytes, 0, bytes.length, 0);
      const found = parseSharedHeader(bytes);
      if (found === undefined) continue;
      const { salts, frames } = found;
      if (salts === saltsName(header.salt1, header.salt2))
        return WAL_HEADER_BYTES + frames * (WAL_FRAME_HEADER_BYTES + header.pageSize);
      // A log that is being begun has no commit yet, and the database file has everything of the one before.
      return frames === 0 ? WAL_HEADER_BYTES : undefined;
    }
    throw new LacunaError(
      "BUSY",
      "the shared memory beside the log is half changed: a writer may have been killed",
      { path: this.#memoryPath },
    );
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
    await Promise.all([this.#handle, this.#memory, ...this.#retired].map((handle) => handle?.close()));
    this.#handle = undefined;
    this.#memory = undefined;
    this.#retired.length = 0;
  }

  /** Up to `end`, or, where nothing says where the commits end, about as far as the file has grown. */
  async #append(
    handle: FileHandle,
    from: number,
    { size, end }: { readonly size: number; readonly end: number },
  ): Promise<void> {
    const { header } = this.#index;
    if (header === undefined) return;
    // Mostly nothing was appended: one frame tells, where what was left by an older log may be long.
    let buffer = new Uint8Array(WAL_FRAME_HEADER_BYTES + header.pageSize);
    for (let at = from; at < end; ) {
      const read = await readAt(handle, buffer, 0, Math.min(buffer.length, end - at), at);
      const next = this.#index.append(buffer.subarray(0, read));
      // What is written meanwhile is for the next time: a writer may be as fast as this.
      if (next === at || next >= size) return;
      at = next;
      if (buffer.length < READ_BYTES) buffer = new Uint8Array(READ_BYTES);
    }
  }

  async #reopen(
    locked: boolean,
  ): Promise<
    { readonly handle: FileHandle; readonly modifiedNs: bigint; readonly size: number } | undefined
  > {
    const facts = await stat(this.#path, { bigint: true }).catch(ignoreMissing);
    const identity = facts === undefined ? "" : `${facts.dev}:${facts.ino}`;
    if (identity !== this.#identity || this.#handle === undefined) {
      for (const handle of [this.#handle, this.#memory]) if (handle !== undefined) this.#retired.push(handle);
      this.#handle = undefined;
      this.#memory = undefined;
      this.#index = new WalIndex();
      this.#state = undefined;
      this.#identity = identity;
      if (facts !== undefined) this.#handle = await open(this.#path, "r").catch(ignoreMissing);
    }
    if (this.#handle === undefined || facts === undefined) return undefined;
    if (locked) this.#memory ??= await open(this.#memoryPath, "r").catch(ignoreMissing);
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

const sameBytes = (a: Uint8Array, b: Uint8Array): boolean =>
  a.length === b.length && a.every((byte, i) => byte === b[i]);

function ignoreMissing(error: unknown): undefined {
  if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
  throw error;
}
