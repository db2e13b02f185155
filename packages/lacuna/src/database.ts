import { closedError, LacunaError } from "@lacuna/page";
import type {
  BatchOptions,
  BatchResult,
  BatchStatement,
  CallOptions,
  Estimate,
  Row,
  RunResult,
  SqlCalls,
  SqlDatabase,
  Parameters as SqlParameters,
  SqlStatement,
  SqlTransaction,
  TransactionFunction,
  TransactionMode,
} from "@lacuna/sqlite";
import type { ChangeId, PendingChange } from "@lacuna/sync";
import { type CheckedOptions, checkOptions } from "./check-options.ts";
import { type DatabaseStats, databaseStats } from "./database-stats.ts";
import { type DatabaseEvents, Listeners } from "./events.ts";
import { type DatabaseHealth, SyncHealth } from "./health.ts";
import { type HydrateOptions, hydrateQuery } from "./hydrate-query.ts";
import { openParts, type Parts } from "./open-parts.ts";
import type { ConnectOptions } from "./options.ts";

/**
 * Opens a database that lives somewhere else.
 *
 * ```ts
 * const db = await connect({ path: ":memory:", url: "https://example.com/app.db", partialSync: {} });
 * console.log(await db.all("SELECT name FROM person WHERE id = ?", 7));
 * await db.close();
 * ```
 *
 * @throws {LacunaError} `INVALID_OPTION` naming the option; `LOCKED`, `NOT_A_REPLICA`, `REPLICA_CORRUPT` from the path;
 *   what the remote answered
 * @throws `options.signal.reason` if aborted
 */
export async function connect(options: ConnectOptions): Promise<Database> {
  const db = new Database(options);
  await db.connect();
  return db;
}

/**
 * A database: SQL over a local replica, whose missing pages come when a statement needs them. What is written is local until
 * it is pushed. Every call may be made at any time, also while others are under way; the first one connects.
 *
 * Errors of the calls that run SQL: `SqlError` for what SQLite refuses; `NETWORK`, `TIMEOUT`, `UNAUTHORIZED` and the
 * like, with the page, when a page that is missing cannot be had, after which the same statement may simply be run
 * again; `REVISION_CHANGED` when the remote has moved on, after which the next statement sees its new state; `OWNER_GONE`
 * when the browser tab that made the call for this one went away before it answered, or fell silent; `CLOSED`; the reason of an aborted
 * signal.
 */
export class Database implements SqlTransaction {
  /** The path as given. */
  readonly name: string;
  readonly readonly = false;
  readonly #options: CheckedOptions;
  readonly #closing = new AbortController();
  readonly #listeners = new Listeners();
  readonly #health = new SyncHealth();
  #parts: Parts | undefined;
  #connecting: Promise<Parts> | undefined;
  #safeIntegers = false;

  /** Checks the options and does nothing else. @throws {LacunaError} `INVALID_OPTION` naming the option */
  constructor(options: ConnectOptions) {
    this.#options = checkOptions(options);
    this.name = options.path;
  }

  /** True from `connect` to `close`. */
  get open(): boolean {
    return this.#parts !== undefined && !this.#closing.signal.aborted;
  }

  /** True if nothing is kept when the database is closed. */
  get memory(): boolean {
    return this.#options.store === undefined && this.name === ":memory:";
  }

  get inTransaction(): boolean {
    return this.#parts?.sql.inTransaction ?? false;
  }

  /** Opens the replica, and makes it if it is not there. Calling it again is harmless; after a failure it tries anew. */
  async connect(): Promise<void> {
    await this.#connected();
  }

  async prepare(sql: string, options?: CallOptions): Promise<SqlStatement> {
    return (await this.#sql()).prepare(sql, options);
  }

  async exec(sql: string, options?: CallOptions): Promise<void> {
    return (await this.#sql()).exec(sql, options);
  }

  async run(sql: string, ...parameters: SqlParameters): Promise<RunResult> {
    return (await this.#sql()).run(sql, ...parameters);
  }

  async get<T = Row>(sql: string, ...parameters: SqlParameters): Promise<T | undefined> {
    return (await this.#sql()).get<T>(sql, ...parameters);
  }

  async all<T = Row>(sql: string, ...parameters: SqlParameters): Promise<T[]> {
    return (await this.#sql()).all<T>(sql, ...parameters);
  }

  iterate<T = Row>(sql: string, ...parameters: SqlParameters): AsyncIterableIterator<T> {
    // Handing rows on costs promises for each of them, so that is done only where it takes connecting first.
    return this.#parts?.sql.iterate<T>(sql, ...parameters) ?? this.#iterateConnecting<T>(sql, parameters);
  }

  async pragma(text: string, options?: CallOptions): Promise<Row[]> {
    return (await this.#sql()).pragma(text, options);
  }

  /** Whether the statement can run offline: it is run for that, on the pages held locally. For statements that only read. */
  async isResident(sql: string, ...parameters: SqlParameters): Promise<boolean> {
    return (await this.#sql()).isResident(sql, ...parameters);
  }

  /** What the statement is expected to fetch, as far as the pages held locally tell. */
  async estimate(sql: string, ...parameters: SqlParameters): Promise<Estimate> {
    return (await this.#sql()).estimate(sql, ...parameters);
  }

  /**
   * Brings pages so that they are here: everything that is missing, a table with its indexes, or what a query without
   * parameters reads. A remote that can run SQL is asked what the query touches, in one request; else it is run here for the
   * sake of its pages. What came stays also when it ends early. Beyond the errors of the calls that run SQL:
   * @throws {LacunaError} `INVALID_OPTION` if there is no such table; `STORAGE_FULL` if not all of it could be kept
   * @throws `options.signal.reason` if aborted
   */
  async hydrate(what?: string | { readonly table: string }, options: HydrateOptions = {}): Promise<void> {
    const { replica, sql } = await this.#connected();
    const ending = [this.#closing.signal, ...(options.signal === undefined ? [] : [options.signal])];
    const during = { ...options, signal: AbortSignal.any(ending) };
    if (typeof what === "string") await hydrateQuery(replica, sql, what, during);
    else if (what === undefined) await replica.hydrate({ kind: "all" }, during);
    else if (typeof what?.table === "string")
      await replica.hydrate({ kind: "table", name: what.table }, during);
    else
      throw new LacunaError("INVALID_OPTION", "hydrate takes a query, { table } with its name, or nothing");
  }

  /**
   * Runs statements one after the other, with nothing of others in between.
   * @param options a mode makes them one transaction: all happen, or none
   */
  async batch(
    statements: readonly BatchStatement[],
    options?: TransactionMode | BatchOptions,
  ): Promise<BatchResult[]> {
    return (await this.#sql()).batch(statements, options);
  }

  /**
   * A function that runs inside a transaction: committed when the function is through, rolled back when it throws. What
   * it runs on the database belongs to the transaction.
   */
  transaction<Values extends readonly unknown[], Result>(
    run: (...values: Values) => Result,
  ): TransactionFunction<Values, Awaited<Result>> {
    return this.#inModes((sql, mode, values) => sql.transaction(run)[mode](...values));
  }

  /** The same for a function that is given the calls of its transaction; what others run meanwhile waits for its end. */
  transactionAsync<Values extends readonly unknown[], Result>(
    run: (transaction: SqlTransaction, ...values: Values) => Result,
  ): TransactionFunction<Values, Awaited<Result>> {
    return this.#inModes((sql, mode, values) => sql.transactionAsync(run)[mode](...values));
  }

  /** The calls that run SQL, under these options: `db.with({ signal }).all(sql)`. Connects first if need be. */
  with(options: CallOptions): SqlCalls {
    const calls = async (): Promise<SqlCalls> => (await this.#sql()).with(options);
    return {
      prepare: async (sql, own) => (await calls()).prepare(sql, own),
      exec: async (sql, own) => (await calls()).exec(sql, own),
      run: async (sql, ...parameters) => (await calls()).run(sql, ...parameters),
      get: async (sql, ...parameters) => (await calls()).get(sql, ...parameters),
      all: async (sql, ...parameters) => (await calls()).all(sql, ...parameters),
      async *iterate<T = Row>(sql: string, ...parameters: SqlParameters) {
        yield* (await calls()).iterate<T>(sql, ...parameters);
      },
      pragma: async (text, own) => (await calls()).pragma(text, own),
      isResident: async (sql, ...parameters) => (await calls()).isResident(sql, ...parameters),
      estimate: async (sql, ...parameters) => (await calls()).estimate(sql, ...parameters),
      with: (other) => this.with({ ...options, ...other }),
    };
  }

  /** Whether INTEGER comes as `bigint` in statements prepared from now on, and in the calls above. */
  defaultSafeIntegers(on = true): this {
    this.#safeIntegers = on;
    this.#parts?.sql.defaultSafeIntegers(on);
    return this;
  }

  /**
   * Brings local changes to the remote: whole transactions, each exactly once. Costs nothing if there are none. What others
   * did to the same rows before is overwritten.
   * @throws {ChangeError} `PUSH_REJECTED` naming the change that the remote refused. Everything of its request is still
   *   pending: make way for it at the remote or `discard` it, and push again
   * @throws {LacunaError} `BUSY`; what keeps the remote from being reached; `NOT_SUPPORTED` without a sync server
   */
  async push(options: CallOptions = {}): Promise<void> {
    const { replica } = await this.#connected();
    const result = await this.#during("push", () => replica.push(this.#until(options)));
    this.#listeners.tell("push", result);
  }

  /**
   * Brings what others did, for the pages that are here, and repeats local changes that the remote does not have on top. It
   * happens as a whole or not at all.
   * @returns whether there was anything
   * @throws {ChangeError} `PULL_CONFLICT` naming the local change that cannot be repeated over what the remote has
   * @throws {LacunaError} what keeps the remote from being reached; `NOT_SUPPORTED` without a sync server
   */
  async pull(options: CallOptions = {}): Promise<boolean> {
    const { replica } = await this.#connected();
    const longPollMs = this.#options.longPollTimeoutMs;
    const changed = await this.#during("pull", () => replica.pull({ ...this.#until(options), longPollMs }));
    this.#listeners.tell("pull", { changed });
    if (changed) this.#listeners.tell("change", { from: "remote" });
    return changed;
  }

  /** Makes the local log as short as it can be. Never uses the network. */
  async checkpoint(): Promise<void> {
    const { replica } = await this.#connected();
    await replica.pager.checkpoint();
  }

  /** What a push would bring to the remote, change by change, oldest first. */
  async pending(): Promise<PendingChange[]> {
    return (await this.#connected()).replica.pending();
  }

  /**
   * Gives up a local change that the remote does not have, or with the number of a transaction (`"17"`) all of it: it is not
   * pushed, and is gone from sight with the next pull.
   * @throws {LacunaError} `INVALID_OPTION` if no such change is pending
   */
  async discard(change: ChangeId): Promise<void> {
    await (await this.#connected()).replica.discard(change);
  }

  /** What is here and what it has cost. */
  async stats(): Promise<DatabaseStats> {
    const { replica, sql, refresh, storage } = await this.#connected();
    await refresh?.();
    return databaseStats(replica.stats(), sql.stats(), await storage?.());
  }

  /** How it is. Never waits for anything, and never fails. */
  health(): DatabaseHealth {
    const replica = this.#parts?.replica.stats();
    const { errors, active } = this.#health;
    return {
      local: {
        open: this.open,
        complete: replica !== undefined && replica.residentPages >= replica.shape.pageCount,
        pending: replica?.pager.pendingChanges ?? 0,
      },
      sync: {
        enabled: this.#options.url !== undefined || this.#options.transport !== undefined,
        active,
        lastPull: replica?.lastPull,
        lastPush: replica?.lastPush,
        errors: { ...errors },
      },
    };
  }

  /**
   * Tells of what happens from now on.
   * @returns a function that ends it
   * @throws {LacunaError} `INVALID_OPTION` if there is no such event
   */
  on<Name extends keyof DatabaseEvents>(
    name: Name,
    listener: (event: DatabaseEvents[Name]) => void,
  ): () => void {
    return this.#listeners.add(name, listener);
  }

  /** Ends everything under way with `CLOSED` and gives up the path. Calling it again is harmless. */
  async close(): Promise<void> {
    this.#closing.abort(closedError("the database"));
    const parts = this.#parts ?? (await this.#connecting?.catch(() => undefined));
    await parts?.sql.close();
    await parts?.replica.close();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.close();
  }

  async *#iterateConnecting<T>(sql: string, parameters: SqlParameters): AsyncGenerator<T, void, undefined> {
    yield* (await this.#sql()).iterate<T>(sql, ...parameters);
  }

  #inModes<Values extends readonly unknown[], Result>(
    run: (sql: SqlDatabase, mode: TransactionMode, values: Values) => Promise<Result>,
  ): TransactionFunction<Values, Result> {
    const inMode =
      (mode: TransactionMode) =>
      async (...values: Values): Promise<Result> =>
        run(await this.#sql(), mode, values);
    return Object.assign(inMode("deferred"), {
      deferred: inMode("deferred"),
      immediate: inMode("immediate"),
      exclusive: inMode("exclusive"),
    });
  }

  async #during<T>(kind: "push" | "pull", work: () => Promise<T>): Promise<T> {
    try {
      return await this.#health.during(kind, work);
    } catch (error) {
      this.#listeners.tell("error", { during: kind, error });
      throw error;
    }
  }

  #until({ signal }: CallOptions): { readonly signal: AbortSignal } {
    const closing = this.#closing.signal;
    return { signal: signal === undefined ? closing : AbortSignal.any([closing, signal]) };
  }

  async #sql(): Promise<SqlDatabase> {
    return (await this.#connected()).sql;
  }

  #connected(): Promise<Parts> {
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason);
    this.#connecting ??= this.#open().then(
      (parts) => {
        this.#parts = parts;
        // It may have been called while this one connected.
        parts.sql.defaultSafeIntegers(this.#safeIntegers);
        return parts;
      },
      (error: unknown) => {
        this.#connecting = undefined;
        throw error;
      },
    );
    return this.#connecting;
  }

  async #open(): Promise<Parts> {
    const { signal: given, store, transport } = this.#options;
    const closing = this.#closing.signal;
    const signal = given === undefined ? closing : AbortSignal.any([closing, given]);
    const [listeners, safeIntegers] = [this.#listeners, this.#safeIntegers];
    try {
      return await openParts(this.#options, { listeners, safeIntegers, signal, closing });
    } catch (error) {
      // What was given belongs to the database, however far its opening came.
      await Promise.allSettled([store?.close(), transport?.close()]);
      throw error;
    }
  }
}
