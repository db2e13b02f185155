import { closedError, LacunaError } from "@lacuna/page";
import { checkCallOptions } from "./check-call.ts";
import type { Column } from "./compiled-statement.ts";
import type { RunResult, StatementFacts } from "./execution.ts";
import { copyParameters, type Parameters, resolveParameters } from "./parameters.ts";
import type { QueryRunner, Request } from "./query-runner.ts";
import type { RowShape, SqlResult } from "./row-reader.ts";
import type { QueryBudget } from "./scout/spending.ts";
import type { StatementKind } from "./sql-text.ts";
import type { Owner } from "./transactions.ts";

/** A row as an object, by column name. Of columns with the same name the last one counts. */
export type Row = Record<string, SqlResult>;

/** Options of the calls made through `with`. */
export interface CallOptions {
  /** Ends a call with the signal's reason, interrupts its SQL, and leaves everything else alone. */
  readonly signal?: AbortSignal | undefined;
  /** What each execution may cost; beyond that it fails with `BUDGET`. */
  readonly budget?: QueryBudget | undefined;
  /** INTEGER as bigint, or not, whatever is the rule otherwise. */
  readonly safeIntegers?: boolean | undefined;
}

/**
 * A prepared statement. It may be run any number of times, also at the same time: each execution is independent.
 * Errors: `SqlError`, `INVALID_OPTION` for parameters that do not fit, `CLOSED`, and what reading pages reports.
 */
export interface SqlStatement {
  readonly sql: string;
  /** True if it gives rows. */
  readonly reader: boolean;
  /** Runs it to its end for its effect; rows are dropped. */
  run(...parameters: Parameters): Promise<RunResult>;
  /** The first row, or `undefined`. */
  get<T = Row>(...parameters: Parameters): Promise<T | undefined>;
  /** All rows. */
  all<T = Row>(...parameters: Parameters): Promise<T[]>;
  /**
   * The rows one by one; they are fetched in batches, from one view. Nothing runs before the first `next`. It keeps that
   * view until it has ended or is ended (`return()`, leaving the loop), but no instance. Driver `restart` holds all rows
   * in memory before it hands over the first.
   */
  iterate<T = Row>(...parameters: Parameters): AsyncIterableIterator<T>;
  /** Rows as arrays of values from now on. */
  raw(on?: boolean): this;
  /** The value of the first column in place of the row from now on. */
  pluck(on?: boolean): this;
  /** INTEGER as bigint from now on. Otherwise one that a number cannot hold exactly is an `INVALID_OPTION` error. */
  safeIntegers(on?: boolean): this;
  /**
   * Binds values for good; no execution may bring its own then.
   * @throws {LacunaError} `INVALID_OPTION` if they do not fit, or some are bound already
   */
  bind(...parameters: Parameters): this;
  /** The same statement, set up the same, under these options. */
  with(options: CallOptions): SqlStatement;
  /** The result columns, as they were when the statement was prepared. */
  columns(): readonly Column[];
  /** Ends its use; executions under way are left alone. Calling it again is harmless. */
  finalize(): void;
  /** The same as `finalize`. */
  close(): void;
}

/** What the views of one statement made by `with` share. */
interface Shared {
  readonly runner: QueryRunner;
  readonly sql: string;
  readonly kind: StatementKind;
  readonly facts: StatementFacts;
  /** The transaction it runs in, asked for each time. */
  readonly owner: () => Owner | undefined;
  finalized: boolean;
}

export class PreparedStatement implements SqlStatement {
  readonly #shared: Shared;
  readonly #options: CallOptions;
  #shape: RowShape;
  #bound: readonly unknown[] | undefined;

  constructor(shared: Shared, shape: RowShape, bound?: readonly unknown[], options: CallOptions = {}) {
    this.#shared = shared;
    this.#shape = shape;
    this.#bound = bound;
    this.#options = options;
  }

  get sql(): string {
    return this.#shared.sql;
  }

  get reader(): boolean {
    return this.#shared.facts.columns.length > 0;
  }

  async run(...parameters: Parameters): Promise<RunResult> {
    return this.#shared.runner.run(this.#request(parameters), this.#shape.safeIntegers);
  }

  async get<T = Row>(...parameters: Parameters): Promise<T | undefined> {
    const rows = await this.#shared.runner.query(this.#request(parameters), this.#shape, 1);
    return rows[0] as T | undefined;
  }

  async all<T = Row>(...parameters: Parameters): Promise<T[]> {
    const rows = await this.#shared.runner.query(
      this.#request(parameters),
      this.#shape,
      Number.POSITIVE_INFINITY,
    );
    return rows as T[];
  }

  iterate<T = Row>(...parameters: Parameters): AsyncIterableIterator<T> {
    const given = copyParameters(parameters);
    return this.#shared.runner.iterate<T>(() => this.#request(given), this.#shape);
  }

  raw(on = true): this {
    return this.#as("array", on);
  }

  pluck(on = true): this {
    return this.#as("value", on);
  }

  safeIntegers(on = true): this {
    this.#shape = { ...this.#shape, safeIntegers: on };
    return this;
  }

  bind(...parameters: Parameters): this {
    if (this.#bound !== undefined)
      throw new LacunaError("INVALID_OPTION", "the statement has bound values already");
    this.#bound = resolveParameters(parameters, this.#shared.facts.parameterNames);
    return this;
  }

  with(options: CallOptions): SqlStatement {
    const { safeIntegers = this.#shape.safeIntegers } = checkCallOptions(options);
    const shape = { ...this.#shape, safeIntegers };
    return new PreparedStatement(this.#shared, shape, this.#bound, { ...this.#options, ...options });
  }

  columns(): readonly Column[] {
    return this.#shared.facts.columns;
  }

  finalize(): void {
    this.#shared.finalized = true;
  }

  close(): void {
    this.finalize();
  }

  #as(as: RowShape["as"], on: boolean): this {
    if (on) this.#shape = { ...this.#shape, as };
    else if (this.#shape.as === as) this.#shape = { ...this.#shape, as: "object" };
    return this;
  }

  #request(parameters: readonly unknown[]): Request {
    const { finalized, sql, kind, facts, owner } = this.#shared;
    if (finalized) throw closedError("the statement");
    if (this.#bound !== undefined && parameters.length > 0) {
      throw new LacunaError("INVALID_OPTION", "the statement has bound values, so it takes no others");
    }
    const given = this.#bound ?? resolveParameters(parameters, facts.parameterNames);
    return {
      sql,
      kind,
      given: [given],
      signal: this.#options.signal,
      budget: this.#options.budget,
      owner: owner(),
    };
  }
}
