import { DatabaseSync } from "node:sqlite";
import { LacunaError } from "@lacuna/page";
import { BUSY, NOTADB, primaryCode } from "./sqlite-error.ts";

/** Connections that may write to a database, used to write its log back into it and for nothing else. */
export class Checkpointer {
  readonly #path: string;
  readonly #connection: DatabaseSync;
  #blocker: DatabaseSync | undefined;

  /**
   * Puts the database into WAL mode if it is not.
   * @throws {LacunaError} `BUSY` if others keep it from that, `NOT_A_DATABASE`, `STORAGE`
   */
  constructor(path: string, busyTimeoutMs: number) {
    this.#path = path;
    let connection: DatabaseSync | undefined;
    try {
      connection = new DatabaseSync(path, { timeout: busyTimeoutMs });
      const mode = connection.prepare("PRAGMA journal_mode=WAL").get()?.["journal_mode"];
      if (mode !== "wal") throw new Error(`it stays in journal mode ${mode}`);
      connection.exec("PRAGMA wal_autocheckpoint=0; PRAGMA busy_timeout=0");
      this.#connection = connection;
    } catch (cause) {
      connection?.close();
      const message = cause instanceof Error ? cause.message : String(cause);
      const code = primaryCode(cause);
      const name = code === BUSY ? "BUSY" : code === NOTADB ? "NOT_A_DATABASE" : "STORAGE";
      throw new LacunaError(name, `a history needs the database in WAL mode: ${message}`, { path, cause });
    }
  }

  /**
   * Copies as much of the log as no reader stands in the way of. Never waits.
   * @returns the frames of the log if all of it was copied
   */
  run(): number | undefined {
    try {
      const row = this.#connection.prepare("PRAGMA wal_checkpoint(PASSIVE)").get();
      return row?.["busy"] === 0 && row["log"] === row["checkpointed"] ? Number(row["log"]) : undefined;
    } catch {
      // A full disk: the log stays, and with it every commit.
      return undefined;
    }
  }

  /**
   * Keeps writers out while a task runs. It does not wait for anything: a writer of the same thread could never let it go on.
   * @returns false if a writer was there first, and the task did not run; else what the task returned
   */
  withoutWriters(task: () => boolean): boolean {
    this.#blocker ??= new DatabaseSync(this.#path, { timeout: 0 });
    const blocker = this.#blocker;
    try {
      blocker.exec("BEGIN IMMEDIATE");
    } catch {
      return false;
    }
    try {
      return task();
    } finally {
      blocker.exec("ROLLBACK");
    }
  }

  /** While read locks of the same process are held: closing the last connection would write back and delete the log. */
  close(): void {
    this.#blocker?.close();
    this.#connection.close();
  }
}
