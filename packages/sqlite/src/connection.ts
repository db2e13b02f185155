import { closedError, type LacunaError, type PageNo } from "@lacuna/page";
import type { CompiledStatement } from "./compiled-statement.ts";
import type { Circumstances, ConnectionSetup } from "./connection-setup.ts";
import { type Engine, instantiateEngine, instantiateEngineNow } from "./engine.ts";
import { GUARD_RELEASED, type GuardedStep, linkGuardedStep } from "./guarded-step.ts";
import { FILE_NAME, PageFile } from "./page-file.ts";
import type { SqlValue } from "./parameters.ts";
import { pause, pauseAfterAttempt, SLICE_MILLISECONDS } from "./pause.ts";
import { SQLITE_DONE, SQLITE_OK, SQLITE_ROW } from "./result-code.ts";
import { ROW_TOO_LONG } from "./row-packer.ts";
import { RowReader, type SqlResult } from "./row-reader.ts";
import { SqlCompiler } from "./sql-compiler.ts";
import { SqlError, sqlErrorOf, stoppedError } from "./sql-error.ts";
import { StatementCache } from "./statement-cache.ts";
import { NO_EFFECTS, type StatementEffects } from "./statement-effects.ts";
import { type TakenTurn, Turn } from "./turn.ts";
import { type View, wrongLength } from "./view.ts";
import { WriteWatch } from "./write-watch.ts";
import { readonlyError, Writer } from "./writer.ts";

const SLICES = { milliseconds: SLICE_MILLISECONDS, pause };

/** What became of one attempt at running something. */
type Outcome<T> =
  | { readonly kind: "value"; readonly value: T }
  | { readonly kind: "error"; readonly error: unknown }
  /** A page has to be fetched before the next attempt. */
  | { readonly kind: "missing"; readonly page: PageNo; readonly from: View }
  /** A view that takes pages has to be opened before the next attempt. */
  | { readonly kind: "writer" };

/** Thrown by a body, before it did anything, to be run again on a view that takes pages. */
const WRITER_NEEDED = new Error("a view that takes pages is needed");

/** Around a statement that writes inside a transaction. */
const GUARD = "SAVEPOINT lacuna_statement";
const UNDO = "ROLLBACK TO lacuna_statement";
const RELEASE = "RELEASE lacuna_statement";

/** Thrown by a body, before it did anything, when a page was missing that SQLite did without. */
const PAGE_NEEDED = new Error("a page is needed");

const BUFFER_BYTES = 65_536;
/** The file says that it is read-only. Asking for that here would make attached `:memory:` databases so, too. */
const OPEN_READWRITE = 2;
const DBCONFIG_DQS_DML = 1013;
const DBCONFIG_DQS_DDL = 1014;
/** Steps of SQLite's virtual machine between looks at the clock. */
const PROGRESS_STEPS = 20_000;
const MAX_BATCH_ROWS = 0x7fff_ffff;

/**
 * One instance of SQLite with the database open. Its calls run one after the other; whoever runs something takes the
 * turn through `perform`.
 */
export class Connection {
  readonly engine: Engine;
  readonly turn = new Turn();
  readonly #setup: ConnectionSetup;
  readonly #file: PageFile;
  readonly #writer: Writer | undefined;
  readonly #statements: StatementCache;
  /** Keeps the turn while it waits for pages, so that statements run in the order they were issued. */
  readonly #inOrder: boolean;
  readonly #compiler: SqlCompiler;
  /** Of an instance that may write, while its database is open. */
  #watch: WriteWatch | undefined;
  /** Made when it is first needed. */
  #guardedStep: ((...values: Parameters<GuardedStep>) => number | Promise<number>) | undefined;
  readonly #buffer: number;
  readonly #out: number;
  readonly #name: number;
  /** Pointer to the progress handler; 0 where nothing can happen meanwhile, because SQLite cannot be suspended. */
  #progress = 0;
  #db = 0;
  #signal: AbortSignal | undefined;
  #slices: NonNullable<Circumstances["slices"]> = SLICES;
  #sliceEnd = 0;
  /** Why this instance can no longer be used. */
  #broken: LacunaError | undefined;

  private constructor(engine: Engine, setup: ConnectionSetup, inOrder: boolean) {
    const { sqlite, heap } = engine;
    this.engine = engine;
    this.#setup = setup;
    this.#inOrder = inOrder;
    sqlite.sqlite3_initialize();
    this.#file = new PageFile(engine, {
      driver: setup.driver.name,
      counters: setup.counters,
      lineage: setup.lineage,
      writable: setup.writing !== undefined,
    });
    if (setup.writing !== undefined) {
      this.#writer = new Writer(setup.writing.source, this.#file, setup.lineage);
    }
    this.#statements = new StatementCache(engine);
    this.#compiler = new SqlCompiler(engine, (run) => this.#call(run));
    this.#buffer = sqlite.malloc(BUFFER_BYTES);
    this.#out = sqlite.malloc(4);
    this.#name = sqlite.malloc(FILE_NAME.length + 1);
    heap.writeText(`${FILE_NAME}\0`, this.#name, FILE_NAME.length + 1);
    if (setup.driver.name === "jspi" || setup.givesUp === true) {
      const onProgress = { type: "i(i)", waits: setup.driver.name === "jspi", run: () => this.#onProgress() };
      this.#progress = engine.install({ onProgress })["onProgress"] ?? 0;
    }
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
    await connection.perform(around, async () => {
      await connection.command("SELECT 1 FROM sqlite_schema LIMIT 0");
    });
    return connection;
  }

  /** The view it must read from, because a transaction or a cursor is open on it. */
  get lockedView(): View | undefined {
    return this.#file.lockedView;
  }

  get inTransaction(): boolean {
    return this.#db !== 0 && this.engine.sqlite.sqlite3_get_autocommit(this.#db) === 0;
  }

  get broken(): boolean {
    return this.#broken !== undefined;
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

  /**
   * Runs `body` when it is this caller's turn, and again whenever it failed for want of a page, once the page is there.
   * The body must therefore have no effect when it does not succeed, and leave no statement running.
   */
  async perform<T>(around: Circumstances, body: () => Promise<T>): Promise<T> {
    const turn = await this.turn.take(around.queueSignal);
    try {
      return await this.#attempts(around, body, this.#inOrder ? undefined : turn);
    } finally {
      turn.end();
    }
  }

  /** Runs one statement after the other, in one turn. Each of them is tried again by itself. */
  async performScript(around: Circumstances, sql: string): Promise<void> {
    const turn = await this.turn.take(around.queueSignal);
    try {
      await this.#compiler.withText(sql, async (start, end) => {
        for (let at = start; at < end; ) {
          at = await this.#attempts(around, () => this.#scriptStep(at, end), undefined);
        }
      });
    } finally {
      turn.end();
    }
  }

  /** @param turn given up while waiting for a page, if given */
  async #attempts<T>(around: Circumstances, body: () => Promise<T>, turn: TakenTurn | undefined): Promise<T> {
    const waitedFor = new Map<PageNo, Uint8Array>();
    let view: View | undefined;
    try {
      for (;;) {
        if (this.#broken !== undefined) throw this.#broken;
        if (this.lockedView === undefined) view ??= await around.view();
        const began = performance.now();
        const outcome = await this.#attempt(view, around, waitedFor, body);
        if (outcome.kind === "writer") {
          if (this.#writer === undefined) throw readonlyError();
          const writer = await this.#writer.open(around.signal);
          view?.release();
          view = writer;
          // Those that are kept may belong to an older state.
          waitedFor.clear();
        } else if (outcome.kind === "missing") {
          this.#setup.counters.restarts++;
          turn?.end();
          await this.#fetch(outcome, around, waitedFor, performance.now() - began);
          await turn?.takeAgain(around.queueSignal);
        } else {
          await this.#conclude(around, outcome);
          if (outcome.kind === "error") throw outcome.error;
          return outcome.value;
        }
      }
    } finally {
      this.#file.leave();
      view?.release();
    }
  }

  async #fetch(
    { from, page }: { readonly from: View; readonly page: PageNo },
    around: Circumstances,
    waitedFor: Map<PageNo, Uint8Array>,
    attemptMilliseconds: number,
  ): Promise<void> {
    // Any number of statements may wait at the same time, so each listens to a signal of its own.
    const signal = AbortSignal.any([around.signal]);
    const { snapshot } = from;
    around.follower?.missed(page, from);
    const bytes = await snapshot.read(page, {
      signal,
      task: around.follower,
      planned: around.follower?.planned,
    });
    if (bytes.length !== snapshot.pageSize) throw wrongLength(page, bytes.length, snapshot.pageSize);
    // A copy of its own, since it stays here for as long as the statement is not through.
    waitedFor.set(page, bytes.slice());
    await pauseAfterAttempt(attemptMilliseconds, signal);
  }

  /** Ends the transaction of the source if the one of SQLite has ended. What failed on our side has not happened. */
  async #conclude(around: Circumstances, outcome: Outcome<unknown>): Promise<void> {
    if (this.#writer === undefined || this.#watch === undefined || this.#broken !== undefined) return;
    const { committed, writer } = this.#file;
    let failure: { readonly error: unknown } | undefined;
    try {
      failure = await this.#writer.conclude(async (view) => {
        // SQLite commits what came before a failure only where it was told so: INSERT OR FAIL.
        if (outcome.kind === "error" && !(outcome.error instanceof SqlError)) throw outcome.error;
        return this.#described(view, around);
      });
    } catch (cause) {
      this.#broken = stoppedError(cause);
      this.#file.abandon();
      throw cause;
    }
    const over = writer !== undefined && this.#file.writer !== writer;
    if (over && (failure !== undefined || !committed)) this.#forgetSchema();
    const happened = committed && failure === undefined;
    if (!this.inTransaction) this.#watch.end(happened);
    if (failure !== undefined) throw failure.error;
  }

  /** What SQLite has just committed, for the source. */
  async #described(view: View, around: Circumstances): Promise<Uint8Array | undefined> {
    const waitedFor = new Map<PageNo, Uint8Array>();
    for (;;) {
      const outcome = await this.#attempt(view, around, waitedFor, async () => this.#watch?.describe());
      if (outcome.kind === "value") return outcome.value;
      if (outcome.kind === "missing") await this.#fetch(outcome, around, waitedFor, 0);
      else throw outcome.kind === "error" ? outcome.error : new Error("BUG: describing a change writes");
    }
  }

  async #attempt<T>(
    view: View | undefined,
    { signal, follower, slices = SLICES }: Circumstances,
    waitedFor: Map<PageNo, Uint8Array>,
    body: () => Promise<T>,
  ): Promise<Outcome<T>> {
    signal.throwIfAborted();
    this.#file.begin({ view, signal, waitedFor, follower });
    this.#signal = signal;
    this.#slices = slices;
    this.#sliceEnd = performance.now() + slices.milliseconds;
    let result: { value: T } | { error: unknown };
    try {
      await this.#ready();
      if (this.#watch?.isOtherSchema(this.#file.schemaKey) === true) this.#forgetSchema();
      result = { value: await body() };
    } catch (error) {
      result = { error };
    }
    this.#signal = undefined;
    const from = this.lockedView ?? view;
    const { missing, failure, wantsWriter } = this.#file.end();
    // SQLite went on as if the page did not matter, as it does with statistics, so what it keeps may lack something.
    if ("value" in result && (missing !== undefined || failure !== undefined)) this.#file.distrust();
    if (this.#broken !== undefined) {
      this.#file.abandon();
      throw this.#broken;
    }
    // What is committed must not be run again.
    if ("value" in result && this.#file.committed) return { kind: "value", value: result.value };
    if (failure !== undefined) return { kind: "error", error: failure.error };
    if (missing !== undefined && from !== undefined) return { kind: "missing", page: missing, from };
    if ("value" in result) return { kind: "value", value: result.value };
    if (wantsWriter || result.error === WRITER_NEEDED) return { kind: "writer" };
    const interrupted =
      result.error instanceof SqlError && result.error.sqliteCode === "SQLITE_INTERRUPT" && signal.aborted;
    return { kind: "error", error: interrupted ? signal.reason : result.error };
  }

  /** Opens the database if it is not open. */
  async #ready(): Promise<void> {
    if (this.#db !== 0) return;
    const { sqlite, heap, waiting } = this.engine;
    const result = await this.#call(() => waiting.open(this.#name, this.#out, OPEN_READWRITE, 0));
    this.#db = heap.getPointer(this.#out);
    try {
      if (result !== SQLITE_OK) throw sqlErrorOf(this.engine, this.#db, result);
      sqlite.sqlite3_extended_result_codes(this.#db, 1);
      if (this.#setup.doubleQuotedStrings) {
        sqlite.sqlite3__wasm_db_config_ip(this.#db, DBCONFIG_DQS_DML, 1, 0);
        sqlite.sqlite3__wasm_db_config_ip(this.#db, DBCONFIG_DQS_DDL, 1, 0);
      }
      if (this.#progress !== 0) sqlite.sqlite3_progress_handler(this.#db, PROGRESS_STEPS, this.#progress, 0);
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
    await this.command(`PRAGMA page_size=${this.#file.pageSize}`);
    await this.command("PRAGMA journal_mode=MEMORY");
    this.#watch = new WriteWatch(this.engine, this.#db, {
      ...this.#setup.writing,
      call: (run) => this.#call(run),
      ask: (sql) => this.#ask(sql),
      lacksPage: () => this.#file.lacksPage,
    });
  }

  /** Compiles a statement, or finds it compiled. Inside `perform` only; give it back in the end. */
  async compile(sql: string): Promise<CompiledStatement> {
    const cached = this.#statements.take(sql);
    if (cached !== undefined) return cached;
    const text = this.#watch?.textOf(sql) ?? sql;
    const { compiled, effects } = await this.#listen(() => this.#compiler.compile(this.#db, text));
    return this.#statements.add(sql, compiled, effects);
  }

  async #listen<T>(
    compile: () => Promise<T>,
  ): Promise<{ readonly compiled: T; readonly effects: StatementEffects }> {
    return this.#watch?.during(compile) ?? { compiled: await compile(), effects: NO_EFFECTS };
  }

  /** Resets a statement and keeps it for the next time. */
  giveBack(statement: CompiledStatement): void {
    this.#statements.giveBack(statement);
    this.#file.settle();
  }

  /** The same for a statement that is left between two calls: when no other one is running. */
  giveBackLater(statement: CompiledStatement): void {
    void this.turn.take().then((turn) => {
      if (this.#broken === undefined) this.giveBack(statement);
      turn.end();
    });
  }

  /** The error of the call that just failed. */
  error(result: number): SqlError {
    return sqlErrorOf(this.engine, this.#db, result);
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

  /**
   * Runs a statement on, appending rows, until it ends or has given `limit` rows.
   * @param reader `undefined` only counts
   * @returns whether it ended
   */
  async step(
    pointer: number,
    reader: RowReader | undefined,
    limit: number,
    rows: unknown[],
  ): Promise<boolean> {
    const { heap, waiting } = this.engine;
    const buffer = this.#buffer;
    let left = limit;
    for (;;) {
      const most = Math.min(left, MAX_BATCH_ROWS);
      const columns = reader?.columns ?? 0;
      const result = await this.#call(() =>
        waiting.packRows(pointer, columns, buffer, buffer + BUFFER_BYTES, most),
      );
      left -= heap.words[buffer >>> 2] as number;
      reader?.readPacked(buffer, rows);
      if (result === SQLITE_DONE) return true;
      if (result === ROW_TOO_LONG) {
        left--;
        rows.push(reader?.readCurrent());
      } else if (result !== SQLITE_ROW) throw sqlErrorOf(this.engine, this.#db, result);
      if (left <= 0) return false;
      if (performance.now() > this.#sliceEnd) await this.#breathe();
    }
  }

  /**
   * Runs a statement to its end, or to `limit` rows, and resets it. One that writes inside a transaction happens whole or
   * not at all, also when it fails for want of a page. SQLite itself sees to that for the failures it can foresee.
   */
  async execute(
    { pointer, effects }: Pick<CompiledStatement, "pointer" | "effects">,
    parameters: readonly SqlValue[],
    reader: RowReader | undefined,
    limit: number,
    rows: unknown[],
  ): Promise<void> {
    const { sqlite, heap } = this.engine;
    const writes = sqlite.sqlite3_stmt_readonly(pointer) === 0;
    if (writes && effects.writes && this.#file.writer === undefined) throw WRITER_NEEDED;
    await this.#watch?.before(effects, this.inTransaction);
    // To be run again from here, before anything happened.
    if (this.#file.lacksPage) throw PAGE_NEEDED;
    let guarded = this.inTransaction && writes;
    const buffers = guarded && this.#watch?.buffers(effects) === true;
    const together = guarded && !buffers && reader === undefined;
    if (guarded && !together) await this.command(GUARD);
    let undone = false;
    try {
      if (together) {
        guarded = false;
        const { open, error } = await this.#stepGuarded(pointer);
        guarded = open;
        if (error !== undefined) throw error;
      } else {
        const ended = await this.step(pointer, reader, limit, rows);
        // Ending it is what commits it, and that may have to wait.
        if (writes && !ended) await this.step(pointer, undefined, Number.POSITIVE_INFINITY, []);
      }
      if (buffers) await this.#writeBuffers();
    } catch (error) {
      // What SQLite itself did not fail it would take for done.
      undone = !(error instanceof SqlError);
      throw error;
    } finally {
      if (this.#broken === undefined) {
        this.#watch?.refuseCommit(undone);
        sqlite.sqlite3_reset(pointer);
        // A failure of the statement, or its interruption, may have ended the transaction.
        if (guarded && this.inTransaction) {
          if (undone || this.#file.lacksPage) await this.command(UNDO);
          await this.command(RELEASE);
        }
        this.#watch?.refuseCommit(false);
      }
    }
    if (this.#watch === undefined) return;
    if (effects.ddl || effects.savepoint?.operation === "ROLLBACK") this.#forgetSchema();
    this.#watch.after(effects, () => heap.cString(sqlite.sqlite3_sql(pointer)) ?? "", parameters);
  }

  /** Runs a statement to its end inside of the guard. @returns how it failed, and whether the guard is still there */
  async #stepGuarded(pointer: number): Promise<{ readonly open: boolean; readonly error?: SqlError }> {
    this.#guardedStep ??= this.#setup.driver.wrapExport(
      linkGuardedStep(this.engine.sqlite, () => this.#file.lacksPage),
    );
    const step = this.#guardedStep;
    const guard = await this.compile(GUARD);
    const release = await this.compile(RELEASE);
    try {
      const result = await this.#call(() => step(pointer, guard.pointer, release.pointer));
      if (result === GUARD_RELEASED) return { open: false };
      const open = result > 0;
      return result === SQLITE_DONE ? { open } : { open, error: this.error(Math.abs(result)) };
    } finally {
      if (this.#broken === undefined) for (const each of [guard, release]) this.#statements.giveBack(each);
    }
  }

  /**
   * Has full-text indexes write what they keep in memory, which they do at savepoints and commits: where the statement can
   * still be undone, if a page is missing then.
   */
  async #writeBuffers(): Promise<void> {
    await this.command("SAVEPOINT lacuna_buffers");
    await this.command("RELEASE lacuna_buffers");
  }

  /** Frees what it holds. Statements still open end with `CLOSED` when they are run on. */
  async close(): Promise<void> {
    const turn = await this.turn.take();
    try {
      if (this.#broken === undefined) this.#closeDatabase();
      this.#broken ??= closedError("the database");
    } finally {
      this.#file.abandon();
      turn.end();
    }
  }

  #closeDatabase(): void {
    this.#statements.clear();
    this.#watch?.close();
    this.#watch = undefined;
    if (this.#db !== 0) this.engine.sqlite.sqlite3_close_v2(this.#db);
    this.#db = 0;
  }

  /** Runs the first statement at `start`. @returns where the next one begins */
  async #scriptStep(start: number, end: number): Promise<number> {
    const { compiled, effects } = await this.#listen(() => this.#compiler.prepare(this.#db, start, end));
    const { pointer, tail } = compiled;
    if (pointer === 0) return end;
    try {
      await this.execute({ pointer, effects }, [], undefined, Number.POSITIVE_INFINITY, []);
    } finally {
      this.engine.sqlite.sqlite3_finalize(pointer);
    }
    return tail;
  }

  /** The schema may be another one: what was compiled by it tells nothing about what it will do. */
  #forgetSchema(): void {
    this.#statements.clear();
    this.#watch?.forgetSchema();
  }

  /** What is thrown out of WebAssembly, such as running out of stack, leaves the instance in an unknown state. */
  async #call(run: () => number | Promise<number>): Promise<number> {
    try {
      return await run();
    } catch (cause) {
      this.#broken = stoppedError(cause);
      throw this.#broken;
    }
  }

  /** Lets other events happen, and ends the statement if it was aborted meanwhile. */
  async #breathe(): Promise<void> {
    await this.#slices.pause();
    this.#signal?.throwIfAborted();
    this.#sliceEnd = performance.now() + this.#slices.milliseconds;
  }

  /** Called by SQLite as it computes, so that a long computation can be aborted. */
  #onProgress(): number | Promise<number> {
    if (this.#signal === undefined) return 0;
    if (this.#signal.aborted) return 1;
    if (performance.now() <= this.#sliceEnd) return 0;
    if (this.#setup.driver.name !== "jspi") return 1;
    return this.#breathe().then(
      () => 0,
      () => 1,
    );
  }
}
