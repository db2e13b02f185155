import type { LacunaError } from "@lacuna/page";
import type { CompiledStatement } from "./compiled-statement.ts";
import type { ConnectionSetup } from "./connection-setup.ts";
import type { Engine } from "./engine.ts";
import { FILE_NAME, PageFile } from "./page-file.ts";
import { SQLITE_OK } from "./result-code.ts";
import { RowReader, type SqlResult } from "./row-reader.ts";
import { PROGRESS_STEPS, Slices } from "./slices.ts";
import { SqlCompiler } from "./sql-compiler.ts";
import { type SqlError, sqlErrorOf, stoppedError } from "./sql-error.ts";
import { StatementCache } from "./statement-cache.ts";
import { NO_EFFECTS, type StatementEffects } from "./statement-effects.ts";
import { ROW_BUFFER_BYTES, stepRows } from "./step-rows.ts";
import { WriteWatch } from "./write-watch.ts";

/** The file says that it is read-only. Asking for that here would make attached `:memory:` databases so, too. */
const OPEN_READWRITE = 2;
const DBCONFIG_DQS_DML = 1013;
const DBCONFIG_DQS_DDL = 1014;

/** One instance of SQLite with the database open: compiles statements and steps them, for whoever has its turn. */
export class Instance {
  readonly engine: Engine;
  readonly file: PageFile;
  readonly slices: Slices;
  readonly #setup: ConnectionSetup;
  readonly #statements: StatementCache;
  readonly #compiler: SqlCompiler;
  readonly #buffer: number;
  readonly #out: number;
  readonly #name: number;
  /** Pointer to the progress handler. */
  readonly #progress: number;
  #watch: WriteWatch | undefined;
  #db = 0;
  /** What SQLite knows of the schema may no longer hold. */
  #schemaIsOld = false;
  #broken: LacunaError | undefined;

  constructor(engine: Engine, setup: ConnectionSetup) {
    const { sqlite, heap } = engine;
    this.engine = engine;
    this.#setup = setup;
    sqlite.sqlite3_initialize();
    this.file = new PageFile(engine, {
      driver: setup.driver.name,
      counters: setup.counters,
      lineage: setup.lineage,
      writable: setup.writing !== undefined,
    });
    this.#statements = new StatementCache(engine);
    this.#compiler = new SqlCompiler(engine, (run) => this.call(run));
    this.#buffer = sqlite.malloc(ROW_BUFFER_BYTES);
    this.#out = sqlite.malloc(4);
    this.#name = sqlite.malloc(FILE_NAME.length + 1);
    heap.writeText(`${FILE_NAME}\0`, this.#name, FILE_NAME.length + 1);
    const canWait = setup.driver.name === "jspi";
    this.slices = new Slices(canWait);
    const onProgress = { type: "i(i)", waits: canWait, run: () => this.slices.onProgress() } as const;
    this.#progress = engine.install({ onProgress })["onProgress"] ?? 0;
  }

  /** Of an instance that may write, while its database is open. */
  get watch(): WriteWatch | undefined {
    return this.#watch;
  }

  /** Why it can no longer be used. */
  get broken(): LacunaError | undefined {
    return this.#broken;
  }

  get inTransaction(): boolean {
    return this.#db !== 0 && this.engine.sqlite.sqlite3_get_autocommit(this.#db) === 0;
  }

  /** Rows changed since it was opened. */
  get totalChanges(): bigint {
    return this.engine.sqlite.sqlite3_total_changes64(this.#db);
  }

  /** Rows changed by the last statement that could change rows. */
  get changes(): bigint {
    return this.engine.sqlite.sqlite3_changes64(this.#db);
  }

  get lastInsertRowid(): bigint {
    return this.engine.sqlite.sqlite3_last_insert_rowid(this.#db);
  }

  /** Opens the database if it is not open, and forgets what no longer holds if its schema may be another one. */
  async ready(): Promise<void> {
    if (this.#db === 0) await this.#open();
    if (this.#watch?.isOtherSchema(this.file.schemaKey) === true) {
      this.forgetSchema();
      this.#schemaIsOld = true;
    }
    if (!this.#schemaIsOld) return;
    // SQLite finds out when a statement runs, and compiles it anew; but ALTER TABLE does not even compile where a name does not fit.
    await this.command("SELECT 1 FROM sqlite_schema LIMIT 0");
    this.#schemaIsOld = false;
  }

  /** Compiles a statement, or finds it compiled. Give it back in the end. */
  async compile(sql: string): Promise<CompiledStatement> {
    const cached = this.#statements.take(sql);
    if (cached !== undefined) return cached;
    const text = this.#watch?.textOf(sql) ?? sql;
    const { compiled, effects } = await this.#listen(
      () => this.#compiler.compile(this.#db, text),
      () => text,
    );
    return this.#statements.add(sql, compiled, effects);
  }

  /** Compiles the first statement of a text in memory, for the caller to finalize. @returns where the text goes on */
  async compileFirst(
    start: number,
    end: number,
  ): Promise<Pick<CompiledStatement, "pointer" | "effects"> & { readonly tail: number }> {
    const { sqlite, heap } = this.engine;
    const { compiled, effects } = await this.#listen(
      () => this.#compiler.prepare(this.#db, start, end),
      ({ pointer }) => heap.cString(sqlite.sqlite3_sql(pointer)) ?? "",
    );
    return { ...compiled, effects };
  }

  /** Puts SQL into memory for as long as `work` takes. */
  withText<T>(sql: string, work: (start: number, end: number) => Promise<T>): Promise<T> {
    return this.#compiler.withText(sql, work);
  }

  /** Resets a statement and keeps it for the next time. */
  giveBack(statement: CompiledStatement): void {
    this.#statements.giveBack(statement);
    this.file.settle();
  }

  /** Runs a statement of our own whose rows do not matter. */
  async command(sql: string): Promise<void> {
    const statement = await this.compile(sql);
    try {
      await this.step(statement.pointer, undefined, Number.POSITIVE_INFINITY, []);
    } finally {
      this.giveBack(statement);
    }
  }

  /**
   * Runs a statement on, appending rows, until it ends or has given `limit` rows.
   * @param reader `undefined` only counts
   * @returns whether it ended
   */
  step(pointer: number, reader: RowReader | undefined, limit: number, rows: unknown[]): Promise<boolean> {
    return stepRows(this, this.#buffer, { pointer, reader, limit, rows });
  }

  /** The error of the call that just failed. */
  error(result: number): SqlError {
    return sqlErrorOf(this.engine, this.#db, result);
  }

  /** What is thrown out of WebAssembly, such as running out of stack, leaves the instance in an unknown state. */
  async call(run: () => number | Promise<number>): Promise<number> {
    try {
      return await run();
    } catch (cause) {
      throw this.stop(cause);
    }
  }

  /** It can no longer be used. @returns what everybody is told from now on */
  stop(cause: unknown): LacunaError {
    this.#broken = stoppedError(cause);
    return this.#broken;
  }

  /** The schema may be another one: what was compiled by it tells nothing about what it will do. */
  forgetSchema(): void {
    this.#statements.clear();
    this.#watch?.forgetSchema();
  }

  /** Frees what it holds. @param reason what everybody is told from now on */
  close(reason: LacunaError): void {
    if (this.#broken === undefined) this.#closeDatabase();
    this.#broken ??= reason;
    this.file.abandon();
  }

  async #open(): Promise<void> {
    const { sqlite, heap, waiting } = this.engine;
    const result = await this.call(() => waiting.open(this.#name, this.#out, OPEN_READWRITE, 0));
    this.#db = heap.getPointer(this.#out);
    try {
      if (result !== SQLITE_OK) throw this.error(result);
      sqlite.sqlite3_extended_result_codes(this.#db, 1);
      if (this.#setup.doubleQuotedStrings) {
        sqlite.sqlite3__wasm_db_config_ip(this.#db, DBCONFIG_DQS_DML, 1, 0);
        sqlite.sqlite3__wasm_db_config_ip(this.#db, DBCONFIG_DQS_DDL, 1, 0);
      }
      sqlite.sqlite3_progress_handler(this.#db, PROGRESS_STEPS, this.#progress, 0);
      await this.command("PRAGMA temp_store=MEMORY");
      if (this.#setup.writing !== undefined) await this.#prepareToWrite();
      await this.command(`PRAGMA cache_size=-${Math.ceil(this.#setup.cacheBytes / 1024)}`);
      for (const setting of this.#setup.settings) await this.command(setting);
    } catch (error) {
      this.#closeDatabase();
      throw error;
    }
  }

  async #prepareToWrite(): Promise<void> {
    // Before anything looks at the schema: a database of no pages takes its page size from here.
    await this.command(`PRAGMA page_size=${this.file.pageSize}`);
    await this.command("PRAGMA journal_mode=MEMORY");
    this.#watch = new WriteWatch(this.engine, this.#db, {
      ...this.#setup.writing,
      call: (run) => this.call(run),
      ask: (sql) => this.#ask(sql),
      lacksPage: () => this.file.lacksPage,
    });
  }

  async #listen<T>(
    compile: () => Promise<T>,
    textOf: (compiled: T) => string,
  ): Promise<{ readonly compiled: T; readonly effects: StatementEffects }> {
    return this.#watch?.during(compile, textOf) ?? { compiled: await compile(), effects: NO_EFFECTS };
  }

  async #ask(sql: string): Promise<SqlResult[][]> {
    const statement = await this.compile(sql);
    try {
      const rows: unknown[] = [];
      const reader = new RowReader(this.engine, statement, { as: "array", safeIntegers: true });
      await this.step(statement.pointer, reader, Number.POSITIVE_INFINITY, rows);
      return rows as SqlResult[][];
    } finally {
      this.giveBack(statement);
    }
  }

  #closeDatabase(): void {
    this.#statements.clear();
    this.#watch?.close();
    this.#watch = undefined;
    if (this.#db !== 0) this.engine.sqlite.sqlite3_close_v2(this.#db);
    this.#db = 0;
  }
}
