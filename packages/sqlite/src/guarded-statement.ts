import type { CompiledStatement } from "./compiled-statement.ts";
import type { ConnectionSetup } from "./connection-setup.ts";
import { GUARD_RELEASED, type GuardedStep, linkGuardedStep } from "./guarded-step.ts";
import type { Instance } from "./instance.ts";
import type { SqlValue } from "./parameters.ts";
import { SQLITE_DONE } from "./result-code.ts";
import type { RowReader } from "./row-reader.ts";
import { SqlError } from "./sql-error.ts";

/** Around a statement that writes inside a transaction. */
const GUARD = "SAVEPOINT lacuna_statement";
const UNDO = "ROLLBACK TO lacuna_statement";
const RELEASE = "RELEASE lacuna_statement";

/** Thrown, before anything was done, for the statement to be run again on a view that takes pages. */
export const WRITER_NEEDED = new Error("a view that takes pages is needed");

/** Thrown, before anything was done, when a page was missing that SQLite did without. */
const PAGE_NEEDED = new Error("a page is needed");

/** What to run, and what becomes of its rows. */
export interface StatementRun {
  readonly statement: Pick<CompiledStatement, "pointer" | "effects">;
  readonly parameters: readonly SqlValue[];
  /** `undefined` only counts. */
  readonly reader: RowReader | undefined;
  readonly limit: number;
  readonly rows: unknown[];
}

/**
 * Runs statements to their end. One that writes inside a transaction happens whole or not at all, also when it fails for
 * want of a page. SQLite itself sees to that for the failures it can foresee.
 */
export class StatementGuard {
  readonly #instance: Instance;
  readonly #driver: ConnectionSetup["driver"];
  /** Made when it is first needed. */
  #guardedStep: ((...values: Parameters<GuardedStep>) => number | Promise<number>) | undefined;

  constructor(instance: Instance, driver: ConnectionSetup["driver"]) {
    this.#instance = instance;
    this.#driver = driver;
  }

  /** Runs a statement to its end, or to `limit` rows, and resets it. */
  async execute({ statement, parameters, reader, limit, rows }: StatementRun): Promise<void> {
    const instance = this.#instance;
    const { file, watch } = instance;
    const { sqlite, heap } = instance.engine;
    const { pointer, effects } = statement;
    const writes = sqlite.sqlite3_stmt_readonly(pointer) === 0;
    if (writes && effects.writes && file.writer === undefined) throw WRITER_NEEDED;
    await watch?.before(effects, instance.inTransaction);
    // To be run again from here, before anything happened.
    if (file.lacksPage) throw PAGE_NEEDED;
    let guarded = instance.inTransaction && writes;
    const buffers = guarded && watch?.buffers(effects) === true;
    const together = guarded && !buffers && reader === undefined;
    if (guarded && !together) await instance.command(GUARD);
    let undone = false;
    try {
      if (together) {
        guarded = false;
        const { open, error } = await this.#stepGuarded(pointer);
        guarded = open;
        if (error !== undefined) throw error;
      } else {
        const ended = await instance.step(pointer, reader, limit, rows);
        // Ending it is what commits it, and that may have to wait.
        if (writes && !ended) await instance.step(pointer, undefined, Number.POSITIVE_INFINITY, []);
      }
      if (buffers) await this.#writeBuffers();
    } catch (error) {
      // What SQLite itself did not fail it would take for done.
      undone = !(error instanceof SqlError);
      throw error;
    } finally {
      if (instance.broken === undefined) {
        watch?.refuseCommit(undone);
        sqlite.sqlite3_reset(pointer);
        // A failure of the statement, or its interruption, may have ended the transaction.
        if (guarded && instance.inTransaction) {
          if (undone || file.lacksPage) await instance.command(UNDO);
          await instance.command(RELEASE);
        }
        watch?.refuseCommit(false);
      }
    }
    if (watch === undefined) return;
    if (effects.ddl || effects.savepoint?.operation === "ROLLBACK") instance.forgetSchema();
    watch.after(effects, () => heap.cString(sqlite.sqlite3_sql(pointer)) ?? "", parameters);
  }

  /** Runs a statement to its end inside of the guard. @returns how it failed, and whether the guard is still there */
  async #stepGuarded(pointer: number): Promise<{ readonly open: boolean; readonly error?: SqlError }> {
    const instance = this.#instance;
    this.#guardedStep ??= this.#driver.wrapExport(
      linkGuardedStep(instance.engine.sqlite, () => instance.file.lacksPage),
    );
    const step = this.#guardedStep;
    const guard = await instance.compile(GUARD);
    const release = await instance.compile(RELEASE);
    try {
      const result = await instance.call(() => step(pointer, guard.pointer, release.pointer));
      if (result === GUARD_RELEASED) return { open: false };
      const open = result > 0;
      return result === SQLITE_DONE ? { open } : { open, error: instance.error(Math.abs(result)) };
    } finally {
      if (instance.broken === undefined) for (const each of [guard, release]) instance.giveBack(each);
    }
  }

  /**
   * Has full-text indexes write what they keep in memory, which they do at savepoints and commits: where the statement can
   * still be undone, if a page is missing then.
   */
  async #writeBuffers(): Promise<void> {
    await this.#instance.command("SAVEPOINT lacuna_buffers");
    await this.#instance.command("RELEASE lacuna_buffers");
  }
}
