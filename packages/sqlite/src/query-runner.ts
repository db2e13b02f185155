import { closedError } from "@lacuna/page";
import type { Snapshot, SnapshotSource, WriteSource } from "@lacuna/pager";
import { Connection } from "./connection.ts";
import type { ConnectionSetup, Writing } from "./connection-setup.ts";
import { chooseDriver } from "./driver.ts";
import {
  type Answer,
  answerStatement,
  Cursor,
  describeStatement,
  type Execution,
  Misplaced,
  queryRows,
  type RunResult,
  runStatement,
  type StatementFacts,
} from "./execution.ts";
import { Lineage } from "./lineage.ts";
import { Ownership } from "./ownership.ts";
import type { Follower } from "./page-file.ts";
import { type Lease, ReaderPool, type ReaderPoolOptions, type Timers } from "./reader-pool.ts";
import { RowIterator } from "./row-iterator.ts";
import type { RowShape } from "./row-reader.ts";
import type { Task } from "./scout/scout-run.ts";
import { type ScoutStats, Scouts, type ScoutsOptions } from "./scout/scouts.ts";
import { payingFollower, type QueryBudget, Spending } from "./scout/spending.ts";
import type { Estimate } from "./scout/survey.ts";
import { SHORT } from "./slices.ts";
import { SqlError } from "./sql-error.ts";
import { changesRows, namesOtherDatabase, readSettings, type StatementKind } from "./sql-text.ts";
import type { Owner } from "./transactions.ts";
import { settledOrAborted } from "./turn.ts";
import { View } from "./view.ts";

/** A statement somebody wants run. */
export interface Request {
  readonly sql: string;
  readonly kind: StatementKind;
  readonly given: readonly unknown[];
  readonly signal: AbortSignal | undefined;
  readonly budget?: QueryBudget | undefined;
  /** The transaction it belongs to, if that keeps others out. */
  readonly owner?: Owner | undefined;
}

export type QueryRunnerOptions = Omit<ConnectionSetup, "settings" | "lineage" | "writing"> &
  Omit<ReaderPoolOptions, "open" | "signal"> &
  Omit<ScoutsOptions, "setup"> & {
    readonly source: SnapshotSource | WriteSource;
    readonly capture?: Writing["capture"];
    readonly onCommit?: Writing["onCommit"];
    /** Run statements ahead of themselves where the source can be told what will be wanted. */
    readonly runAhead: boolean;
  };

/**
 * Decides on which instance of SQLite a statement runs.
 *
 * The primary one runs, in the order they were issued, transactions and whatever has to do with its state: temporary
 * tables, attached databases, settings. While a transaction is open or such a statement is on its way, everything goes
 * there. All other reads go to the pool, where they wait for pages at the same time.
 */
export class QueryRunner {
  readonly #source: SnapshotSource;
  readonly #writing: Writing | undefined;
  readonly #setup: ConnectionSetup & { readonly settings: string[] };
  readonly #pool: ReaderPool;
  readonly #scouts: Scouts;
  readonly #runAhead: boolean;
  readonly #timers: Timers;
  readonly #closing = new AbortController();
  #primary: Promise<Connection> | undefined;
  #primaryConnection: Connection | undefined;
  readonly #ownership = new Ownership();
  #owner: Owner | undefined;
  /** Statements issued and not through, those of an owner not counted, that may begin a transaction or change what others see. */
  #pending = 0;
  /** The primary instance has temporary tables or attached databases. */
  #hasSession = false;
  #closed: Promise<void> | undefined;

  constructor(options: QueryRunnerOptions) {
    this.#source = options.source;
    this.#setup = { ...options, settings: [], lineage: new Lineage() };
    const { source, capture, onCommit } = options;
    this.#writing = "begin" in source ? { source, capture, onCommit } : undefined;
    this.#pool = new ReaderPool({
      ...options,
      signal: this.#closing.signal,
      open: (around) => Connection.open(this.#setup, around, false),
      openShared:
        options.driver.name === "restart"
          ? undefined
          : (around) => Connection.open({ ...this.#setup, driver: chooseDriver("restart") }, around, false),
    });
    this.#runAhead = options.runAhead;
    this.#timers = options.timers;
    this.#scouts = new Scouts({ ...options, setup: this.#setup });
  }

  get inTransaction(): boolean {
    return this.#primaryConnection?.inTransaction ?? false;
  }

  get readers(): number {
    return this.#pool.size;
  }

  get scouting(): ScoutStats | undefined {
    return this.#runAhead ? this.#scouts.stats() : undefined;
  }

  get closed(): boolean {
    return this.#closing.signal.aborted;
  }

  describe(request: Request): Promise<StatementFacts> {
    return this.#onPrimary(request)
      ? this.#withPrimary(request, describeStatement, PREPARING)
      : this.#withReader(request, describeStatement, PREPARING);
  }

  query(request: Request, shape: RowShape, limit: number): Promise<unknown[]> {
    const work: Work<unknown[]> = (connection, execution) => queryRows(connection, execution, shape, limit);
    return this.#execute(request, work, { limit });
  }

  run(request: Request, safeIntegers: boolean): Promise<RunResult> {
    return this.#execute(request, (connection, execution) =>
      runStatement(connection, execution, safeIntegers),
    );
  }

  answer(request: Request, shape: RowShape): Promise<Answer> {
    return this.#execute(request, (connection, execution) => answerStatement(connection, execution, shape));
  }

  /** Keeps statements of others from the primary instance. @returns what ends that */
  async own(owner: Owner): Promise<() => void> {
    const leave = await this.#ownership.enter(true, this.#closing.signal);
    this.#owner = owner;
    return () => {
      this.#owner = undefined;
      leave();
    };
  }

  script(sql: string, signal: AbortSignal | undefined, owner?: Owner): Promise<void> {
    const request: Request = { sql, kind: "session", given: [], signal, owner };
    return this.#inSession(request, () =>
      this.#withPrimary(
        request,
        (connection, execution) => connection.performScript(execution, sql),
        PREPARING,
      ),
    );
  }

  /**
   * The rows as they are found. Driver `restart` reads all of them first, since it may have to run the statement again,
   * and then a row already handed over might not come again.
   * @param prepare is called, and may throw, when the first row is asked for
   */
  iterate<T>(prepare: () => Request, shape: RowShape): AsyncIterableIterator<T> {
    return new RowIterator<T>(this.#batches<T>(prepare, shape));
  }

  async *#batches<T>(prepare: () => Request, shape: RowShape): AsyncGenerator<T[], void, undefined> {
    const request = prepare();
    if (this.#setup.driver.name === "restart") {
      yield (await this.query(request, shape, Number.POSITIVE_INFINITY)) as T[];
      return;
    }
    const { cursor, rows: first, lease } = await this.#openCursor(request, shape);
    try {
      for (let rows = first; ; rows = await cursor.next()) {
        lease?.rest();
        yield rows as T[];
        if (cursor.ended) return;
        lease?.resume();
      }
    } finally {
      cursor.close();
      lease?.end();
    }
  }

  isResident(request: Request): Promise<boolean> {
    return this.#survey(request, (...around) => this.#scouts.isResident(...around));
  }

  estimate(request: Request): Promise<Estimate> {
    return this.#survey(request, (...around) => this.#scouts.estimate(...around));
  }

  /** Ends everything under way with `CLOSED`, then closes the instances. */
  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const closed = closedError("the database");
    this.#closing.abort(closed);
    this.#ownership.close(closed);
    const primary = this.#primary?.then((connection) => connection.close()).catch(() => {});
    await Promise.all([primary, this.#pool.close(), this.#scouts.close()]);
  }

  async #openCursor(request: Request, shape: RowShape): Promise<OpenCursor> {
    const open = async (connection: Connection, execution: Execution, lease?: Lease): Promise<OpenCursor> => {
      const cursor = new Cursor(connection, execution, shape);
      try {
        return { cursor, lease, rows: await cursor.next() };
      } catch (error) {
        cursor.close();
        throw error;
      }
    };
    return this.#execute(request, open, { keep: true });
  }

  async #survey<T>(
    { sql, given, ...request }: Request,
    look: (snapshot: Snapshot, task: Task, signal: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { signal } = this.#signals({ sql, given, ...request });
    const writes = request.kind !== "read";
    const snapshot = await this.#source.snapshot({ signal });
    try {
      return await look(snapshot, { sql, given, limit: Number.POSITIVE_INFINITY, writes }, signal);
    } finally {
      snapshot.release();
    }
  }

  async #execute<T>(request: Request, work: Work<T>, how: Manner = {}): Promise<T> {
    while (!this.#onPrimary(request)) {
      try {
        return await this.#withReader(request, work, how);
      } catch (error) {
        if (!(error instanceof Misplaced)) throw error;
        if (error.reason === "writes") break;
      }
    }
    return this.#inSession(request, () => this.#withPrimary(request, work, how));
  }

  #onPrimary({ kind, owner }: Request): boolean {
    if (kind !== "read" || owner !== undefined || this.#pending > 0 || this.#hasSession) return true;
    // Beside a transaction that keeps others out they read what is committed.
    return this.#owner === undefined && this.inTransaction;
  }

  async #withReader<T>(request: Request, work: Work<T>, how: Manner): Promise<T> {
    const { follower, signal, queueSignal } = this.#follow(request, how);
    let view: View | undefined;
    let lease: Lease | undefined;
    try {
      const held = await View.open(this.#source, signal);
      view = held;
      lease = withView(await this.#pool.lease(view, queueSignal, how.keep !== true), view.retain());
      const { sql, given } = request;
      const around = {
        sql,
        given,
        signal,
        queueSignal,
        reads: held,
        view: async () => held.retain(),
        follower,
      };
      let result: T;
      try {
        const slicing = lease.shared ? SHORT : undefined;
        result = await work(lease.connection, { ...around, slicing }, lease);
      } catch (error) {
        if (!lease.shared || !isInterruption(error) || signal.aborted) throw error;
        // It takes too long to be run beside others.
        lease.end();
        lease = withView(await this.#pool.lease(view, queueSignal, false), view.retain());
        result = await work(lease.connection, around, lease);
      }
      if (how.keep !== true) lease.end();
      return result;
    } catch (error) {
      lease?.end();
      follower?.end();
      throw error;
    } finally {
      if (how.keep !== true) follower?.end();
      view?.release();
    }
  }

  async #withPrimary<T>(request: Request, work: Work<T>, how: Manner): Promise<T> {
    const { sql, given, owner } = request;
    if (owner?.ended === true) throw closedError("the transaction");
    const { follower, signal, queueSignal } = this.#follow(request, how);
    const leave = owner === undefined ? await this.#ownership.enter(false, queueSignal) : undefined;
    try {
      const view = () => View.open(this.#source, signal);
      const connection = await this.#openPrimary(queueSignal);
      const result = await work(connection, { sql, given, signal, queueSignal, view, follower });
      if (how.keep !== true) follower?.end();
      return result;
    } catch (error) {
      follower?.end();
      throw error;
    } finally {
      leave?.();
    }
  }

  /** Who follows the statement, and what ends it. */
  #follow(request: Request, { ahead = true, limit = Number.POSITIVE_INFINITY }: Manner): Followed {
    const { sql, given, kind, budget } = request;
    const signals = this.#signals(request);
    const spending = budget === undefined ? undefined : new Spending(budget, this.#timers);
    const writes = kind !== "read";
    const scouted = this.#runAhead && ahead && (!writes || changesRows(sql));
    const follower = scouted ? this.#scouts.follow({ sql, given, limit, writes }, spending) : undefined;
    if (spending === undefined) return { follower, ...signals };
    const signal = AbortSignal.any([signals.signal, spending.signal]);
    return { follower: payingFollower(sql, spending, follower), signal, queueSignal: signal };
  }

  async #openPrimary(signal: AbortSignal | undefined): Promise<Connection> {
    if (this.#primary === undefined || this.#primaryConnection?.broken === true) {
      const ending = this.#closing.signal;
      const opening = Connection.open(
        { ...this.#setup, writing: this.#writing },
        { signal: ending, view: () => View.open(this.#source, ending) },
        true,
      );
      this.#primary = opening;
      this.#primaryConnection = undefined;
      this.#hasSession = false;
      opening.then(
        (connection) => {
          this.#primaryConnection = connection;
        },
        () => {
          this.#primary = undefined;
        },
      );
    }
    return settledOrAborted(this.#primary, signal);
  }

  /** Keeps other statements behind this one while it may change what they see, and looks at what it did change. */
  async #inSession<T>({ sql, kind, owner }: Request, work: () => Promise<T>): Promise<T> {
    if (kind === "setting") return work();
    const counted = owner === undefined ? 1 : 0;
    this.#pending += counted;
    try {
      const result = await work();
      const settings = readSettings(sql);
      if (settings.length > 0) {
        this.#setup.settings.push(...settings);
        this.#pool.renew();
        this.#scouts.renew();
      }
      return result;
    } finally {
      if (namesOtherDatabase(sql)) await this.#lookForSession(owner);
      this.#pending -= counted;
    }
  }

  async #lookForSession(owner: Owner | undefined): Promise<void> {
    if (this.#primaryConnection === undefined || this.closed) return;
    const sql =
      "SELECT count(*) FROM sqlite_temp_schema UNION ALL SELECT count(*) FROM pragma_database_list WHERE seq > 1";
    const request: Request = { sql, kind: "setting", given: [], signal: undefined, owner };
    try {
      const counts = await this.query(request, { as: "value", safeIntegers: false }, 2);
      this.#hasSession = counts.some((count) => count !== 0);
    } catch {
      // The statement itself is through. Not knowing only means that more runs on the primary instance than has to.
      this.#hasSession = true;
    }
  }

  #signals({ signal }: Request): Pick<Execution, "signal" | "queueSignal"> {
    const closing = this.#closing.signal;
    if (signal === undefined) return { signal: closing };
    const either = AbortSignal.any([closing, signal]);
    return { signal: either, queueSignal: either };
  }
}

function isInterruption(error: unknown): boolean {
  return error instanceof SqlError && error.sqliteCode === "SQLITE_INTERRUPT";
}

/** The view is held for as long as the lease. */
function withView(lease: Lease, view: View): Lease {
  let ended = false;
  const end = (): void => {
    lease.end();
    if (!ended) view.release();
    ended = true;
  };
  return { ...lease, end };
}

/** How a piece of work is done. */
interface Manner {
  /** The work ends the lease and its follower itself, unless it fails. */
  readonly keep?: boolean;
  /**
   * Whether the statement may be run ahead.
   * @default true
   */
  readonly ahead?: boolean;
  /**
   * Rows wanted at most.
   * @default all of them
   */
  readonly limit?: number;
}

const PREPARING: Manner = { ahead: false };

type Followed = Pick<Execution, "signal" | "queueSignal"> & { readonly follower: Follower | undefined };

type Work<T> = (connection: Connection, execution: Execution, lease?: Lease) => Promise<T>;

interface OpenCursor {
  readonly cursor: Cursor;
  readonly rows: unknown[];
  readonly lease: Lease | undefined;
}
