import { closedError, LacunaError } from "@lacuna/page";
import type { CallOptions, Column, Parameters, Row, RowShape, RunResult, SqlStatement } from "@lacuna/sqlite";
import type { PreparedFacts } from "./question.ts";
import { cloned, executionOf, type TabCalls } from "./tab-calls.ts";

interface Shared {
  readonly sql: string;
  readonly facts: PreparedFacts;
  finalized: boolean;
}

/**
 * A statement that runs in the tab that owns the database. It is its text and how it is set up, so it outlives that tab. Values
 * bound for good are compared with its parameters when it runs.
 */
export class TabStatement implements SqlStatement {
  readonly #calls: TabCalls;
  readonly #shared: Shared;
  #shape: RowShape;
  #bound: Parameters | undefined;

  constructor(calls: TabCalls, shared: Shared, shape: RowShape, bound?: Parameters) {
    this.#calls = calls;
    this.#shared = shared;
    this.#shape = shape;
    this.#bound = bound;
  }

  get sql(): string {
    return this.#shared.sql;
  }

  get reader(): boolean {
    return this.#shared.facts.reader;
  }

  async run(...parameters: Parameters): Promise<RunResult> {
    return (await this.#calls.ask({ call: "run", ...this.#execution(parameters) })) as RunResult;
  }

  async get<T = Row>(...parameters: Parameters): Promise<T | undefined> {
    const { as } = this.#shape;
    return (await this.#calls.ask({ call: "get", as, ...this.#execution(parameters) })) as T | undefined;
  }

  async all<T = Row>(...parameters: Parameters): Promise<T[]> {
    const { as } = this.#shape;
    return (await this.#calls.ask({ call: "all", as, ...this.#execution(parameters) })) as T[];
  }

  iterate<T = Row>(...parameters: Parameters): AsyncIterableIterator<T> {
    return this.#calls.rows<T>(this.#shape.as, this.#execution(parameters));
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
    this.#bound = cloned(parameters);
    return this;
  }

  with(options: CallOptions): SqlStatement {
    const { safeIntegers = this.#shape.safeIntegers } = options;
    const shape = { ...this.#shape, safeIntegers };
    return new TabStatement(this.#calls.with(options), this.#shared, shape, this.#bound);
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

  #execution(parameters: Parameters): ReturnType<typeof executionOf> {
    if (this.#shared.finalized) throw closedError("the statement");
    if (this.#bound !== undefined && parameters.length > 0) {
      throw new LacunaError("INVALID_OPTION", "the statement has bound values, so it takes no others");
    }
    const setting = { ...this.#calls.setting(), safeIntegers: this.#shape.safeIntegers };
    return executionOf(this.#shared.sql, this.#bound ?? parameters, setting);
  }
}
