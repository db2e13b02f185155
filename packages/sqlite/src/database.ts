import { closedError } from "@lacuna/page";
import { type BatchOptions, type BatchResult, type BatchStatement, resolveBatch } from "./batch.ts";
import { checkBatch, checkCallOptions, checkSql } from "./check-call.ts";
import type { ConnectionCounters } from "./connection-setup.ts";
import { chooseDriver, type DriverName } from "./driver.ts";
import type { RunResult } from "./execution.ts";
import { loadWasm } from "./load-wasm.ts";
import { resolveOptions, type SqliteOptions } from "./options.ts";
import { copyParameters, type Parameters } from "./parameters.ts";
import { QueryRunner, type Request } from "./query-runner.ts";
import type { RowShape } from "./row-reader.ts";
import type { ScoutStats } from "./scout/scouts.ts";
import type { Estimate } from "./scout/survey.ts";
import { kindOfStatement } from "./sql-text.ts";
import { type CallOptions, PreparedStatement, type Row, type SqlStatement } from "./statement.ts";
import {
  inModes,
  type Owner,
  type TransactionFunction,
  type TransactionMode,
  Transactions,
} from "./transactions.ts";
import { settledOrAborted } from "./turn.ts";
import { View } from "./view.ts";

/**
 * The calls that run SQL. Errors: `SqlError`, `INVALID_OPTION` for parameters that do not fit, `CLOSED`, the signal's
 * reason, and what reading pages reports.
 */
export interface SqlCalls {
  /** Compiles one statement: what is wrong with it is said here. */
  prepare(sql: string, options?: CallOptions): Promise<SqlStatement>;
  /** Runs any number of statements, one after the other, up to the first that fails. */
  exec(sql: string, options?: CallOptions): Promise<void>;
  /** As `SqlStatement.run`, in one go. */
  run(sql: string, ...parameters: Parameters): Promise<RunResult>;
  get<T = Row>(sql: string, ...parameters: Parameters): Promise<T | undefined>;
  all<T = Row>(sql: string, ...parameters: Parameters): Promise<T[]>;
  iterate<T = Row>(sql: string, ...parameters: Parameters): AsyncIterableIterator<T>;
  /** Runs `PRAGMA text` and gives its rows. */
  pragma(text: string, options?: CallOptions): Promise<Row[]>;
  /**
   * Whether the statement can run without the network. It is run for that, on the pages held locally, and stops at the first
   * one that is not. What it writes is rolled back.
   */
  isResident(sql: string, ...parameters: Parameters): Promise<boolean>;
  /** What the statement is expected to fetch, as far as the pages held locally tell; none of its pages is fetched. */
  estimate(sql: string, ...parameters: Parameters): Promise<Estimate>;
  /** The same calls under these options: `db.with({ signal }).all(sql)`. */
  with(options: CallOptions): SqlCalls;
}

/** The calls of a transaction. */
export interface SqlTransaction extends SqlCalls {
  /**
   * Runs statements one after the other, with nothing of others in between.
   * @param options a mode makes them one transaction: all happen, or none
   */
  batch(
    statements: readonly BatchStatement[],
    options?: TransactionMode | BatchOptions,
  ): Promise<BatchResult[]>;
}

export interface SqlStats {
  readonly driver: DriverName;
  /** Instances of SQLite that are open for reading outside of transactions. */
  readonly readers: number;
  /** Instances made since the database was opened. */
  readonly instances: number;
  /** Times SQLite was suspended to wait for a page. Driver `jspi` only. */
  readonly waits: number;
  /** Times a statement was run again because a page was missing. With driver `jspi` only those that share an instance, or rarely. */
  readonly restarts: number;
  /** What running ahead has done; absent where it is off. */
  readonly runAhead: ScoutStats | undefined;
}

export interface SqlDatabase extends SqlTransaction {
  /** False once `close` was called. */
  readonly open: boolean;
  readonly inTransaction: boolean;
  /**
   * A function that runs inside a transaction: committed when the function is through, rolled back when it throws. What
   * it runs on the database belongs to the transaction; inside of another one it is a savepoint. In a browser, which
   * cannot tell who runs a statement, those of others belong to it too, and there must not be one inside another.
   */
  transaction<Values extends readonly unknown[], Result>(
    run: (...values: Values) => Result,
  ): TransactionFunction<Values, Awaited<Result>>;
  /**
   * The same for a function that is given the calls of its transaction. What others run meanwhile waits for its end, but
   * for reads, which see what is committed.
   */
  transactionAsync<Values extends readonly unknown[], Result>(
    run: (transaction: SqlTransaction, ...values: Values) => Result,
  ): TransactionFunction<Values, Awaited<Result>>;
  /** Whether statements prepared from now on, and the one-shot calls, give INTEGER as bigint. */
  defaultSafeIntegers(on?: boolean): this;
  stats(): SqlStats;
  /** Ends everything under way with `CLOSED` and frees the instances. Calling it again is harmless. */
  close(): Promise<void>;
}

/**
 * Opens SQL over the pages of a database.
 *
 * ```ts
 * const db = await openSqlite({ source });
 * const rows = await db.all("SELECT name FROM person WHERE id = ?", 7);
 * ```
 *
 * @throws {LacunaError} `NOT_A_DATABASE`; `UNSUPPORTED_DATABASE` for one with UTF-16 text; `CORRUPT_PAGE` if its page
 *   size is not that of the source; `INVALID_OPTION`; `NOT_SUPPORTED` for a driver this runtime lacks; and what reading
 *   page 1 reports
 */
export async function openSqlite(options: SqliteOptions): Promise<SqlDatabase> {
  const resolved = resolveOptions(options);
  const signal = resolved.signal ?? new AbortController().signal;
  const driver = chooseDriver(resolved.driver);
  const compiling = loadWasm(resolved.wasm);
  // Awaited below; until then a failure must not count as one nobody looks at.
  compiling.catch(() => {});
  const view = await View.open(resolved.source, signal);
  view.release();
  const module = await settledOrAborted(compiling, signal);
  const counters: ConnectionCounters = { waits: 0, restarts: 0, instances: 0 };
  const runner = new QueryRunner({
    source: resolved.source,
    capture: resolved.capture,
    onCommit: resolved.onCommit,
    module,
    driver,
    cacheBytes: resolved.cacheBytes,
    doubleQuotedStrings: resolved.doubleQuotedStrings,
    counters,
    // An instance that is never suspended serves any number of statements while they wait.
    size: driver.name === "restart" ? 1 : resolved.readers,
    idleMilliseconds: resolved.readerIdleMilliseconds,
    timers: resolved.timers,
    now: resolved.now,
    runAhead: resolved.runAhead,
  });
  return new Database(runner, driver.name, counters, resolved.safeIntegers);
}

/** The calls, under a signal. The settings they share belong to the database. */
class Calls implements SqlTransaction {
  readonly runner: QueryRunner;
  readonly transactions: Transactions;
  readonly #shape: () => RowShape;
  readonly #options: CallOptions;
  readonly #owner: Owner | undefined;

  constructor(
    { runner, transactions }: Pick<Calls, "runner" | "transactions">,
    shape: () => RowShape,
    options: CallOptions = {},
    owner?: Owner,
  ) {
    this.runner = runner;
    this.transactions = transactions;
    const { safeIntegers } = options;
    this.#shape = safeIntegers === undefined ? shape : () => ({ ...shape(), safeIntegers });
    this.#options = options;
    this.#owner = owner;
  }

  async prepare(sql: string, options?: CallOptions): Promise<SqlStatement> {
    const request = this.#request(sql, [], options?.signal);
    const facts = await this.runner.describe(request);
    // The text can look like a read and the statement still write; the other way round does no harm.
    const kind = request.kind === "read" && !facts.readonly ? "session" : request.kind;
    return new PreparedStatement(
      { runner: this.runner, sql, kind, facts, owner: () => this.#ownerNow(), finalized: false },
      this.#shape(),
    );
  }

  async exec(sql: string, options?: CallOptions): Promise<void> {
    const { signal, owner } = this.#request(sql, [], options?.signal);
    await this.runner.script(sql, signal, owner);
  }

  async run(sql: string, ...parameters: Parameters): Promise<RunResult> {
    return this.runner.run(this.#request(sql, copyParameters(parameters)), this.#shape().safeIntegers);
  }

  async get<T = Row>(sql: string, ...parameters: Parameters): Promise<T | undefined> {
    const rows = await this.runner.query(this.#request(sql, copyParameters(parameters)), this.#shape(), 1);
    return rows[0] as T | undefined;
  }

  async all<T = Row>(sql: string, ...parameters: Parameters): Promise<T[]> {
    const rows = await this.runner.query(
      this.#request(sql, copyParameters(parameters)),
      this.#shape(),
      Number.POSITIVE_INFINITY,
    );
    return rows as T[];
  }

  iterate<T = Row>(sql: string, ...parameters: Parameters): AsyncIterableIterator<T> {
    const given = copyParameters(parameters);
    return this.runner.iterate<T>(() => this.#request(sql, given), this.#shape());
  }

  async pragma(text: string, options?: CallOptions): Promise<Row[]> {
    const request = this.#request(`PRAGMA ${text}`, [], options?.signal);
    return (await this.runner.query(request, this.#shape(), Number.POSITIVE_INFINITY)) as Row[];
  }

  async isResident(sql: string, ...parameters: Parameters): Promise<boolean> {
    return this.runner.isResident(this.#request(sql, copyParameters(parameters)));
  }

  async estimate(sql: string, ...parameters: Parameters): Promise<Estimate> {
    return this.runner.estimate(this.#request(sql, copyParameters(parameters)));
  }

  async batch(
    statements: readonly BatchStatement[],
    options?: TransactionMode | BatchOptions,
  ): Promise<BatchResult[]> {
    const { mode, raw, safeIntegers = this.#shape().safeIntegers } = resolveBatch(options);
    checkBatch(statements);
    const shape: RowShape = { as: raw ? "array" : "object", safeIntegers };
    const copied = statements.map(
      (statement): { readonly sql: string; readonly given: readonly unknown[] } =>
        typeof statement === "string"
          ? { sql: statement, given: [] }
          : {
              sql: statement.sql,
              given: statement.args === undefined ? [] : copyParameters([statement.args]),
            },
    );
    const owner = this.#ownerNow();
    const run = async (by: Owner): Promise<BatchResult[]> => {
      const results: BatchResult[] = [];
      for (const { sql, given } of copied) {
        const request = { ...this.#request(sql, given), owner: by };
        const { columns, rows, changes, lastInsertRowid } = await this.runner.answer(request, shape);
        results.push({
          columns: columns.map(({ name }) => name),
          columnTypes: columns.map(({ type }) => type ?? ""),
          rows: rows as BatchResult["rows"],
          rowsAffected: changes,
          lastInsertRowid,
        });
      }
      return results;
    };
    if (owner !== undefined) return run(owner);
    return this.transactions.alone(mode, run);
  }

  with(options: CallOptions): SqlCalls {
    return new Calls(this, this.#shape, { ...this.#options, ...checkCallOptions(options) }, this.#owner);
  }

  #ownerNow(): Owner | undefined {
    return this.#owner ?? this.transactions.current;
  }

  #request(sql: string, given: readonly unknown[], signal?: AbortSignal): Request {
    if (this.runner.closed) throw closedError("the database");
    checkSql(sql);
    return {
      sql,
      kind: kindOfStatement(sql),
      given,
      signal: signal ?? this.#options.signal,
      budget: this.#options.budget,
      owner: this.#ownerNow(),
    };
  }
}

class Database extends Calls implements SqlDatabase {
  readonly #driver: DriverName;
  readonly #counters: ConnectionCounters;
  readonly #defaults: { shape: RowShape };

  constructor(runner: QueryRunner, driver: DriverName, counters: ConnectionCounters, safeIntegers: boolean) {
    const defaults: { shape: RowShape } = { shape: { as: "object", safeIntegers } };
    super({ runner, transactions: new Transactions(runner) }, () => defaults.shape);
    this.#driver = driver;
    this.#counters = counters;
    this.#defaults = defaults;
  }

  get open(): boolean {
    return !this.runner.closed;
  }

  get inTransaction(): boolean {
    return this.runner.inTransaction;
  }

  transaction<Values extends readonly unknown[], Result>(
    run: (...values: Values) => Result,
  ): TransactionFunction<Values, Awaited<Result>> {
    return this.transactions.function(run);
  }

  transactionAsync<Values extends readonly unknown[], Result>(
    run: (transaction: SqlTransaction, ...values: Values) => Result,
  ): TransactionFunction<Values, Awaited<Result>> {
    return inModes(run, (mode, values: Values) =>
      this.transactions.explicit(mode, (owner) =>
        run(new Calls(this, () => this.#defaults.shape, {}, owner), ...values),
      ),
    );
  }

  defaultSafeIntegers(on = true): this {
    this.#defaults.shape = { as: "object", safeIntegers: on };
    return this;
  }

  stats(): SqlStats {
    return {
      driver: this.#driver,
      readers: this.runner.readers,
      ...this.#counters,
      runAhead: this.runner.scouting,
    };
  }

  close(): Promise<void> {
    return this.runner.close();
  }
}
