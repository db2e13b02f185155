import { closedError } from "@lacuna/page";
import { Attempts } from "./attempts.ts";
import type { CompiledStatement } from "./compiled-statement.ts";
import type { Circumstances, ConnectionSetup } from "./connection-setup.ts";
import { type Engine, instantiateEngine, instantiateEngineNow } from "./engine.ts";
import { StatementGuard, type StatementRun } from "./guarded-statement.ts";
import { Instance } from "./instance.ts";
import type { RowReader } from "./row-reader.ts";
import type { SqlError } from "./sql-error.ts";
import { Turn } from "./turn.ts";
import type { View } from "./view.ts";

/**
 * One instance of SQLite with the database open. Its calls run one after the other; whoever runs something takes the
 * turn through `perform`.
 */
export class Connection {
  readonly turn = new Turn();
  readonly #instance: Instance;
  readonly #attempts: Attempts;
  readonly #guard: StatementGuard;
  /** Keeps the turn while it waits for pages, so that statements run in the order they were issued. */
  readonly #inOrder: boolean;

  private constructor(engine: Engine, setup: ConnectionSetup, inOrder: boolean) {
    this.#instance = new Instance(engine, setup);
    this.#attempts = new Attempts(this.#instance, setup);
    this.#guard = new StatementGuard(this.#instance, setup.driver);
    this.#inOrder = inOrder;
  }

  /** An instance at once, which opens the database when something is first run on it. */
  static now(setup: ConnectionSetup): Connection {
    setup.counters.instances++;
    return new Connection(instantiateEngineNow(setup.module, setup.driver), setup, false);
  }

  /** @param inOrder keep the turn while waiting for pages: for transactions */
  static async open(setup: ConnectionSetup, around: Circumstances, inOrder: boolean): Promise<Connection> {
    const engine = await instantiateEngine(setup.module, setup.driver);
    setup.counters.instances++;
    const connection = new Connection(engine, setup, inOrder);
    // Compiling this loads the schema, so that a database SQLite cannot read is refused here.
    await connection.perform(around, () => connection.command("SELECT 1 FROM sqlite_schema LIMIT 0"));
    return connection;
  }

  get engine(): Engine {
    return this.#instance.engine;
  }

  /** The view it must read from, because a transaction or a cursor is open on it. */
  get lockedView(): View | undefined {
    return this.#instance.file.lockedView;
  }

  get inTransaction(): boolean {
    return this.#instance.inTransaction;
  }

  get broken(): boolean {
    return this.#instance.broken !== undefined;
  }

  /** Rows changed since it was opened. */
  get totalChanges(): bigint {
    return this.#instance.totalChanges;
  }

  /** Rows changed by the last statement that could change rows. */
  get changes(): bigint {
    return this.#instance.changes;
  }

  get lastInsertRowid(): bigint {
    return this.#instance.lastInsertRowid;
  }

  /**
   * Runs `body` when it is this caller's turn, and again whenever it failed for want of a page, once the page is there.
   * The body must therefore have no effect when it does not succeed, and leave no statement running.
   */
  async perform<T>(around: Circumstances, body: () => Promise<T>): Promise<T> {
    const turn = await this.turn.take(around.queueSignal);
    try {
      return await this.#attempts.run(around, body, this.#inOrder ? undefined : turn);
    } finally {
      turn.end();
    }
  }

  /** Runs one statement after the other, in one turn. Each of them is tried again by itself. */
  async performScript(around: Circumstances, sql: string): Promise<void> {
    const turn = await this.turn.take(around.queueSignal);
    try {
      await this.#instance.withText(sql, async (start, end) => {
        for (let at = start; at < end; ) {
          at = await this.#attempts.run(around, () => this.#scriptStep(at, end), undefined);
        }
      });
    } finally {
      turn.end();
    }
  }

  /** Compiles a statement, or finds it compiled. Inside `perform` only; give it back in the end. */
  compile(sql: string): Promise<CompiledStatement> {
    return this.#instance.compile(sql);
  }

  /** Resets a statement and keeps it for the next time. */
  giveBack(statement: CompiledStatement): void {
    this.#instance.giveBack(statement);
  }

  /** The same for a statement that is left between two calls: when no other one is running. */
  giveBackLater(statement: CompiledStatement): void {
    void this.turn.take().then((turn) => {
      if (!this.broken) this.giveBack(statement);
      turn.end();
    });
  }

  /** The error of the call that just failed. */
  error(result: number): SqlError {
    return this.#instance.error(result);
  }

  /** Runs a statement of our own whose rows do not matter. */
  command(sql: string): Promise<void> {
    return this.#instance.command(sql);
  }

  /**
   * Runs a statement on, appending rows, until it ends or has given `limit` rows.
   * @param reader `undefined` only counts
   * @returns whether it ended
   */
  step(pointer: number, reader: RowReader | undefined, limit: number, rows: unknown[]): Promise<boolean> {
    return this.#instance.step(pointer, reader, limit, rows);
  }

  /** Runs a statement to its end, or to `limit` rows, and resets it. It happens whole or not at all. */
  execute(run: StatementRun): Promise<void> {
    return this.#guard.execute(run);
  }

  /** Frees what it holds. Statements still open end with `CLOSED` when they are run on. */
  async close(): Promise<void> {
    const turn = await this.turn.take();
    try {
      this.#instance.close(closedError("the database"));
    } finally {
      turn.end();
    }
  }

  /** Runs the first statement at `start`. @returns where the next one begins */
  async #scriptStep(start: number, end: number): Promise<number> {
    const { pointer, effects, tail } = await this.#instance.compileFirst(start, end);
    if (pointer === 0) return end;
    try {
      const statement = { pointer, effects };
      const limit = Number.POSITIVE_INFINITY;
      await this.#guard.execute({ statement, parameters: [], reader: undefined, limit, rows: [] });
    } finally {
      this.engine.sqlite.sqlite3_finalize(pointer);
    }
    return tail;
  }
}
