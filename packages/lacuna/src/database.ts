import { closedError } from "@lacuna/page";
import {
  type CallOptions,
  type Estimate,
  openSqlite,
  type Row,
  type RunResult,
  type SqlCalls,
  type SqlDatabase,
  type Parameters as SqlParameters,
  type SqlStatement,
} from "@lacuna/sqlite";
import type { Replica } from "@lacuna/sync";
import { localFiles } from "#local-files";
import { type CheckedOptions, checkOptions } from "./check-options.ts";
import { composeReplica } from "./compose-replica.ts";
import type { DatabaseStats } from "./database-stats.ts";
import type { ConnectOptions } from "./options.ts";
import { pageStats } from "./page-stats.ts";

const DEFAULT_PREFIX_BYTES = 128 * 1024;

/** What is open between `connect` and `close`. */
interface Parts {
  readonly replica: Replica;
  readonly sql: SqlDatabase;
}

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
 * A database: SQL over a local replica, whose missing pages come when a statement needs them. Every call may be made at
 * any time, also while others are under way; the first one connects.
 *
 * Errors of the calls that run SQL: `SqlError` for what SQLite refuses; `NETWORK`, `TIMEOUT`, `UNAUTHORIZED` and the
 * like, with the page, when a page that is missing cannot be had, after which the same statement may simply be run
 * again; `REVISION_CHANGED` when the remote has moved on, after which the next statement sees its new state; `CLOSED`;
 * the reason of an aborted signal.
 */
export class Database implements SqlCalls {
  /** The path as given. */
  readonly name: string;
  readonly #options: CheckedOptions;
  readonly #closing = new AbortController();
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

  /** What is here and what it has cost. */
  async stats(): Promise<DatabaseStats> {
    const { replica, sql } = await this.#connected();
    return { ...pageStats(replica.stats()), sql: sql.stats() };
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

  async #sql(): Promise<SqlDatabase> {
    return (await this.#connected()).sql;
  }

  #connected(): Promise<Parts> {
    if (this.#closing.signal.aborted) return Promise.reject(this.#closing.signal.reason);
    this.#connecting ??= this.#open().then(
      (parts) => {
        this.#parts = parts;
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
    const options = this.#options;
    const signal = AbortSignal.any([
      this.#closing.signal,
      ...(options.signal === undefined ? [] : [options.signal]),
    ]);
    signal.throwIfAborted();
    const replica = await this.#openReplica(signal);
    try {
      const { driver, readers, doubleQuotedStrings, wasm } = options;
      const safeIntegers = this.#safeIntegers;
      const source = replica.pager;
      const sql = await openSqlite({
        source,
        driver,
        readers,
        doubleQuotedStrings,
        wasm,
        safeIntegers,
        // Where nothing is to be fetched ahead, statements are not run ahead either.
        runAhead: options.partialSync?.runAhead ?? options.partialSync?.prefetch !== false,
        signal,
      });
      signal.throwIfAborted();
      return { replica, sql };
    } catch (error) {
      await replica.close();
      throw error;
    }
  }

  #openReplica(signal: AbortSignal): Promise<Replica> {
    const { partialSync, pullBytesThreshold, memoryBytes, onProgress, onPages, ...options } = this.#options;
    const { bootstrapStrategy: strategy, segmentSize, prefetch } = partialSync ?? {};
    return composeReplica(options, localFiles, (remote) => ({
      partial:
        partialSync === undefined && remote !== undefined
          ? undefined
          : strategy?.kind === "query"
            ? { kind: "query", sql: strategy.query }
            : { kind: "prefix", bytes: strategy?.length ?? DEFAULT_PREFIX_BYTES },
      pullBytesThreshold,
      segmentBytes: segmentSize,
      memoryBytes,
      prefetch,
      onProgress,
      onPages,
      signal,
    }));
  }
}
