import { isLacunaError } from "@lacuna/page";
import type { WriteSource } from "@lacuna/pager";
import type { Lineage } from "./lineage.ts";
import type { PageFile } from "./page-file.ts";
import { SQLITE_BUSY_SNAPSHOT, SQLITE_READONLY } from "./result-code.ts";
import { SqlError } from "./sql-error.ts";
import { View } from "./view.ts";

/** How a transaction ended. */
interface Conclusion {
  /** Why it was not committed after all. */
  readonly failure?: { readonly error: unknown } | undefined;
  /** Why an open cursor, and the instance with it, can no longer be used. */
  readonly lost?: { readonly error: unknown } | undefined;
}

/** Lets an instance of SQLite write to a source: its transactions and those of the source end together. */
export class Writer {
  readonly #source: WriteSource;
  readonly #file: PageFile;
  readonly #lineage: Lineage;

  constructor(source: WriteSource, file: PageFile, lineage: Lineage) {
    this.#source = source;
    this.#file = file;
    this.#lineage = lineage;
  }

  /**
   * A view to write to, when it is this writer's turn.
   * @throws {SqlError} `SQLITE_BUSY_SNAPSHOT` if SQLite already reads a state that is not the newest any more;
   *   `SQLITE_READONLY` if the source takes no pages
   */
  async open(signal: AbortSignal): Promise<View> {
    const view = await View.openWriter(this.#source, signal).catch((error: unknown) => {
      throw isLacunaError(error, "NOT_SUPPORTED") ? readonlyError(error) : error;
    });
    const locked = this.#file.lockedView;
    if (locked === undefined) return view;
    if (locked.snapshot.version !== view.snapshot.version) {
      view.release();
      throw new SqlError(
        "this transaction reads a state of the database that is not the newest any more, so it cannot write; " +
          "roll it back and run it again",
        { resultCode: SQLITE_BUSY_SNAPSHOT, sqliteCode: "SQLITE_BUSY_SNAPSHOT" },
      );
    }
    this.#file.exchange(view);
    return view;
  }

  /**
   * Ends the transaction of the source if that of SQLite has ended. A commit that fails has not happened: then SQLite
   * forgets everything it keeps in memory.
   * @param describe says what happened, for the source; what it throws makes the commit fail
   */
  async conclude(describe: (view: View) => Promise<Uint8Array | undefined>): Promise<Conclusion> {
    const view = this.#file.writer;
    const writer = view?.writer;
    if (view === undefined || writer === undefined || this.#file.writing) return {};
    view.retain();
    let { version } = writer;
    let failure: Conclusion["failure"];
    try {
      if (this.#file.committed) {
        version = await writer.commit(await describe(view));
        this.#lineage.follow(writer.version, version);
      }
    } catch (error) {
      failure = { error };
      this.#file.distrust();
    } finally {
      writer.rollback();
      view.release();
    }
    // The end of an attempt gives the view up unless a cursor is open.
    if (this.#file.lockedView === undefined) {
      this.#file.leave();
      return { failure };
    }
    if (failure !== undefined) return { failure, lost: failure };
    // What was committed has happened, whatever becomes of the cursor.
    return this.#leave(version).then(
      () => ({}),
      (error: unknown) => ({ lost: { error } }),
    );
  }

  /** An open cursor reads on from a snapshot of what it saw so far. */
  async #leave(version: number): Promise<void> {
    const next = await View.open(this.#source, new AbortController().signal);
    try {
      if (next.snapshot.version !== version) {
        throw new SqlError("the database moved on while a statement that reads from it was open", {
          resultCode: SQLITE_BUSY_SNAPSHOT,
          sqliteCode: "SQLITE_BUSY_SNAPSHOT",
        });
      }
      this.#file.exchange(next);
    } finally {
      next.release();
    }
  }
}

export function readonlyError(cause?: unknown): SqlError {
  return new SqlError("attempt to write a readonly database", {
    resultCode: SQLITE_READONLY,
    sqliteCode: "SQLITE_READONLY",
    cause,
  });
}
