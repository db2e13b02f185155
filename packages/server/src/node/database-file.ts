import { type FileHandle, open } from "node:fs/promises";
import { type AbortOptions, closedError, LacunaError, type PageRange } from "@lacuna/page";
import type { ServedView, ViewReadOptions } from "../served-database.ts";
import { checkRanges } from "./check-ranges.ts";
import { type FileIdentity, identityOf, isFileAt } from "./file-identity.ts";
import { LockingImpossible, type ReadLock, ReadLocks } from "./read-lock.ts";
import { emptyState, type FileState, StateReader } from "./state-reader.ts";
import { Turns } from "./turns.ts";

export interface DatabaseFileOptions {
  readonly lock: boolean;
  readonly busyTimeoutMs: number;
}

/** A state that is kept readable by a lock, for all views of it. */
interface Pin {
  readonly state: FileState;
  readonly lock: ReadLock;
  users: number;
}

/**
 * One database file, read past SQLite but under SQLite's locks.
 *
 * In WAL mode a view holds a read lock until it is closed. In rollback mode that would keep writers out, so each read
 * takes the lock, looks whether the state is still that of the view, reads, and lets go. Without locks (`lock: false`, or
 * where SQLite cannot lock because it may not write) the state is looked at before and after each read.
 *
 * The file stays open until `close`: on POSIX systems, closing any handle of a file gives up all locks that the process
 * has on it, SQLite's among them.
 */
export class DatabaseFile {
  readonly #path: string;
  readonly #handle: FileHandle;
  readonly #identity: FileIdentity;
  readonly #options: DatabaseFileOptions;
  readonly #locks: ReadLocks;
  readonly #reader: StateReader;
  readonly #turns = new Turns();
  #pin: Pin | undefined;
  #views = 0;
  #retired = false;
  #closed = false;

  private constructor(path: string, handle: FileHandle, options: DatabaseFileOptions) {
    this.#path = path;
    this.#handle = handle;
    this.#identity = identityOf(handle);
    this.#options = options;
    this.#locks = new ReadLocks(path);
    this.#reader = new StateReader(path, handle);
  }

  static async open(path: string, options: DatabaseFileOptions): Promise<DatabaseFile> {
    return new DatabaseFile(path, await open(path, "r"), options);
  }

  /** Whether the path still leads to this file. */
  isAt(path: string): boolean {
    return isFileAt(path, this.#identity);
  }

  /**
   * A view of the newest committed state.
   * @param deadline when to stop waiting for a lock, on the clock of `performance.now()`
   */
  view({ signal }: AbortOptions, deadline: number): Promise<ServedView> {
    return this.#turns.run(async () => {
      this.#checkOpen();
      signal?.throwIfAborted();
      const { size, mtimeMs } = await this.#handle.stat();
      if (size === 0) return this.#viewOf(emptyState(mtimeMs), undefined);
      if (this.#pin !== undefined) {
        // The lock that is held covers newer states too, but not for longer: a state gets a lock of its own.
        const state = await this.#reader.readState(true);
        const pin = this.#stillPinned(state);
        if (pin !== undefined) return this.#viewOf(pin.state, pin);
      }
      const lock = await this.#lock(deadline, signal);
      let state: FileState;
      try {
        state = await this.#reader.readState(lock !== undefined);
      } catch (error) {
        lock?.release();
        throw error;
      }
      if (lock !== undefined && state.walMode) {
        this.#pin = { state, lock, users: 0 };
        return this.#viewOf(state, this.#pin);
      }
      lock?.release();
      return this.#viewOf(state, undefined);
    });
  }

  /** Closes as soon as no view is open. */
  async retire(): Promise<void> {
    this.#retired = true;
    if (this.#views === 0) await this.close();
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#turns.run(async () => {
      this.#locks.close();
      await this.#reader.close();
    });
  }

  /** The pin of a state, unless its last view was closed meanwhile. */
  #stillPinned({ revision: name }: FileState): Pin | undefined {
    return this.#pin?.state.revision === name ? this.#pin : undefined;
  }

  #viewOf(state: FileState, pin: Pin | undefined): ServedView {
    this.#views++;
    if (pin !== undefined) pin.users++;
    let open = true;
    const { revision: name, pageSize, pageCount, modifiedMs } = state;
    return {
      revision: name,
      pageSize,
      pageCount,
      modifiedMs,
      read: async (ranges, { signal, into }: ViewReadOptions = {}) => {
        if (!open) throw closedError("the view");
        this.#checkOpen();
        signal?.throwIfAborted();
        checkRanges(ranges, pageCount);
        // An empty file must not be locked either: SQLite would delete a log that lies beside it.
        if (ranges.length === 0) return new Uint8Array(0);
        return pin === undefined
          ? this.#readInTurn(state, ranges, { signal, into })
          : this.#reader.readPages(state, ranges, into);
      },
      close: async () => {
        if (!open) return;
        open = false;
        if (pin !== undefined && --pin.users === 0) {
          if (this.#pin === pin) this.#pin = undefined;
          pin.lock.release();
        }
        if (--this.#views === 0 && this.#retired) await this.close();
      },
    };
  }

  /** Reads pages of a state that nothing keeps in place. */
  #readInTurn(
    state: FileState,
    ranges: readonly PageRange[],
    { signal, into }: ViewReadOptions,
  ): Promise<Uint8Array<ArrayBuffer>> {
    const deadline = performance.now() + this.#options.busyTimeoutMs;
    return this.#turns.run(async () => {
      this.#checkOpen();
      signal?.throwIfAborted();
      const lock = await this.#lock(deadline, signal);
      try {
        await this.#checkUnchanged(state, lock !== undefined);
        const bytes = await this.#reader.readPages(state, ranges, into);
        if (lock === undefined) await this.#checkUnchanged(state, false);
        return bytes;
      } finally {
        lock?.release();
      }
    });
  }

  async #checkUnchanged(state: FileState, locked: boolean): Promise<void> {
    const { revision: found } = await this.#reader.readState(locked);
    if (found === state.revision) return;
    throw new LacunaError("REVISION_CHANGED", `revision ${state.revision} was replaced by ${found}`, {
      path: this.#path,
    });
  }

  /** @returns `undefined` where no lock can be had */
  async #lock(deadline: number, signal: AbortSignal | undefined): Promise<ReadLock | undefined> {
    if (!this.#options.lock) return undefined;
    try {
      return await this.#locks.take(deadline, signal);
    } catch (error) {
      if (error instanceof LockingImpossible) return undefined;
      throw error;
    }
  }

  #checkOpen(): void {
    if (this.#closed) throw closedError("the served file");
  }
}
