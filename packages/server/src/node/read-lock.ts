import { DatabaseSync } from "node:sqlite";
import { setTimeout as sleep } from "node:timers/promises";
import { LacunaError } from "@lacuna/page";
import { BUSY, CANTOPEN, CORRUPT, extendedCode, NOTADB, primaryCode, READONLY } from "./sqlite-error.ts";

/** A read transaction of SQLite's own: while it is held, no page of the state it stands on is overwritten. */
export interface ReadLock {
  release(): void;
}

/** SQLite could not take a lock here because it may not write beside the file. */
export class LockingImpossible extends Error {
  override readonly name = "LockingImpossible";
}

const READONLY_ROLLBACK = 776;
const IDLE_CONNECTIONS = 4;

/**
 * Takes read locks on one database file. Connections only ever read, so that closing the last one does not write a
 * checkpoint into the file.
 */
export class ReadLocks {
  readonly #path: string;
  readonly #idle: DatabaseSync[] = [];
  readonly #used = new Set<DatabaseSync>();

  constructor(path: string) {
    this.#path = path;
  }

  /**
   * Waits, without blocking the process, while a writer keeps readers out. Tries at least once.
   * @param deadline when to give up, on the clock of `performance.now()`
   * @throws {LockingImpossible} if the file can be read but not locked
   * @throws {LacunaError} `BUSY`, `NOT_A_DATABASE`, `CORRUPT_PAGE`, `STORAGE`
   */
  async take(deadline: number, signal: AbortSignal | undefined): Promise<ReadLock> {
    for (let pause = 1; ; pause = Math.min(2 * pause, 50)) {
      signal?.throwIfAborted();
      try {
        return this.takeNow();
      } catch (error) {
        if (extendedCode(error) === READONLY_ROLLBACK) this.#rollBack();
        else if (primaryCode(error) !== BUSY) throw this.#explain(error);
        if (performance.now() > deadline) {
          throw new LacunaError("BUSY", "a writer did not let readers in in time", this.#facts(error));
        }
      }
      await sleep(pause);
    }
  }

  /** Ends every lock. */
  close(): void {
    for (const connection of [...this.#idle, ...this.#used]) connection.close();
    this.#idle.length = 0;
    this.#used.clear();
  }

  /** Takes a lock without waiting. In WAL mode nobody but a process that recovers the log is ever in the way. */
  takeNow(): ReadLock {
    const connection = this.#idle.pop() ?? new DatabaseSync(this.#path, { readOnly: true });
    try {
      connection.exec("BEGIN");
      // The first read takes the lock. This one needs no schema, so a database whose schema only others understand is fine.
      connection.exec("PRAGMA schema_version");
    } catch (error) {
      if (primaryCode(error) === BUSY) {
        connection.exec("ROLLBACK");
        this.#idle.push(connection);
      } else connection.close();
      throw error;
    }
    this.#used.add(connection);
    return { release: () => this.#release(connection) };
  }

  #release(connection: DatabaseSync): void {
    if (!this.#used.delete(connection)) return;
    connection.exec("COMMIT");
    if (this.#idle.length < IDLE_CONNECTIONS) this.#idle.push(connection);
    else connection.close();
  }

  /** A crashed writer left a journal that must be played back before anybody can read. SQLite does it, given write access. */
  #rollBack(): void {
    let connection: DatabaseSync | undefined;
    try {
      connection = new DatabaseSync(this.#path);
      connection.exec("PRAGMA schema_version");
    } catch (error) {
      if (primaryCode(error) === BUSY) return;
      const needed = "the journal of a crashed writer must be played back first, which needs write access";
      throw new LacunaError("STORAGE", needed, this.#facts(error));
    } finally {
      connection?.close();
    }
  }

  #explain(error: unknown): Error {
    const message = error instanceof Error ? error.message : String(error);
    switch (primaryCode(error)) {
      case CANTOPEN:
      case READONLY:
        return new LockingImpossible(message, { cause: error });
      case NOTADB:
        return new LacunaError("NOT_A_DATABASE", message, this.#facts(error));
      case CORRUPT:
        return new LacunaError("CORRUPT_PAGE", message, this.#facts(error));
      default:
        return new LacunaError("STORAGE", `cannot lock the database: ${message}`, this.#facts(error));
    }
  }

  #facts(cause: unknown): { readonly path: string; readonly cause: unknown } {
    return { path: this.#path, cause };
  }
}
