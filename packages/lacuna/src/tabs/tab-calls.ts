import { LacunaError } from "@lacuna/page";
import type {
  BatchOptions,
  BatchResult,
  BatchStatement,
  CallOptions,
  Estimate,
  Parameters,
  Row,
  RowShape,
  RunResult,
  SqlCalls,
  SqlStatement,
  SqlTransaction,
  TransactionMode,
} from "@lacuna/sqlite";
import type { PreparedFacts, Question, Setting, SomeRows } from "./question.ts";
import type { Seat } from "./seat.ts";
import { TabStatement } from "./tab-statement.ts";
import { type TransactionControl, transactionControl } from "./transaction-control.ts";

/** How the calls of a tab are made. */
export interface TabCallsSetting {
  readonly seat: Seat;
  /** The rule for INTEGER where a call has none. */
  readonly safeIntegers: () => boolean;
  /** The transaction that calls belong to. */
  readonly transaction: () => string | undefined;
  /**
   * Begins or ends the transaction that calls belong to, so that what a tab begins by SQL is its own, and ends with it. Absent
   * inside of a transaction.
   */
  readonly control?: (control: TransactionControl) => Promise<void>;
}

/** Rows asked for at first; each time twice as many, up to the most. */
const FIRST_ROWS = 16;
const MOST_ROWS = 512;

/** Calls that run SQL in the tab that owns the database. */
export class TabCalls implements SqlTransaction {
  readonly #setting: TabCallsSetting;
  readonly #options: CallOptions | undefined;

  constructor(setting: TabCallsSetting, options?: CallOptions) {
    this.#setting = setting;
    this.#options = options;
  }

  async prepare(sql: string, options?: CallOptions): Promise<SqlStatement> {
    const own = this.#ownFor(sql);
    if (own !== undefined) return own.prepare(sql, options);
    const signal = options?.signal ?? this.#options?.signal;
    const facts = (await this.ask({ call: "prepare", sql, ...this.setting() }, signal)) as PreparedFacts;
    const { safeIntegers } = this.setting();
    return new TabStatement(this, { sql, facts, finalized: false }, { as: "object", safeIntegers });
  }

  async exec(sql: string, options?: CallOptions): Promise<void> {
    const own = this.#ownFor(sql);
    if (own !== undefined) return own.exec(sql, options);
    await this.ask({ call: "exec", sql, ...this.setting() }, options?.signal);
  }

  async run(sql: string, ...parameters: Parameters): Promise<RunResult> {
    const own = this.#ownFor(sql);
    if (own !== undefined) return own.run(sql, ...parameters);
    return (await this.ask({ call: "run", ...this.#execution(sql, parameters) })) as RunResult;
  }

  async get<T = Row>(sql: string, ...parameters: Parameters): Promise<T | undefined> {
    const own = this.#ownFor(sql);
    if (own !== undefined) return own.get<T>(sql, ...parameters);
    return (await this.ask({ call: "get", as: "object", ...this.#execution(sql, parameters) })) as
      | T
      | undefined;
  }

  async all<T = Row>(sql: string, ...parameters: Parameters): Promise<T[]> {
    const own = this.#ownFor(sql);
    if (own !== undefined) return own.all<T>(sql, ...parameters);
    return (await this.ask({ call: "all", as: "object", ...this.#execution(sql, parameters) })) as T[];
  }

  iterate<T = Row>(sql: string, ...parameters: Parameters): AsyncIterableIterator<T> {
    return (
      this.#ownFor(sql)?.iterate<T>(sql, ...parameters) ??
      this.rows<T>("object", this.#execution(sql, parameters))
    );
  }

  pragma(text: string, options?: CallOptions): Promise<Row[]> {
    const own = this.#ownFor(text);
    if (own !== undefined) return own.pragma(text, options);
    return (options === undefined ? this : this.with(options)).all(`PRAGMA ${text}`);
  }

  async isResident(sql: string, ...parameters: Parameters): Promise<boolean> {
    const own = this.#ownFor(sql);
    if (own !== undefined) return own.isResident(sql, ...parameters);
    return (await this.ask({ call: "isResident", ...this.#execution(sql, parameters) })) as boolean;
  }

  async estimate(sql: string, ...parameters: Parameters): Promise<Estimate> {
    const own = this.#ownFor(sql);
    if (own !== undefined) return own.estimate(sql, ...parameters);
    return (await this.ask({ call: "estimate", ...this.#execution(sql, parameters) })) as Estimate;
  }

  async batch(
    statements: readonly BatchStatement[],
    options?: TransactionMode | BatchOptions,
  ): Promise<BatchResult[]> {
    const { own } = this.#setting.seat;
    if (own !== undefined && this.#setting.transaction() === undefined)
      return own.sql.batch(statements, options);
    const question = { call: "batch", statements: cloned(statements), options, ...this.setting() } as const;
    return (await this.ask(question)) as BatchResult[];
  }

  with(options: CallOptions): TabCalls {
    return new TabCalls(this.#setting, { ...this.#options, ...options });
  }

  async ask(question: Question, signal = this.#options?.signal): Promise<unknown> {
    const control = "sql" in question ? this.#control(question.sql) : undefined;
    if (control === undefined || question.call === "prepare") return this.#setting.seat.ask(question, signal);
    await this.#setting.control?.(control);
    return question.call === "run"
      ? { changes: 0, lastInsertRowid: 0 }
      : question.call === "all"
        ? []
        : undefined;
  }

  setting(): Setting {
    const { safeIntegers, transaction } = this.#setting;
    return {
      safeIntegers: this.#options?.safeIntegers ?? safeIntegers(),
      budget: this.#options?.budget,
      transaction: transaction(),
    };
  }

  /** The rows of a statement, batch by batch. Nothing is asked before the first is wanted. */
  async *rows<T>(
    as: RowShape["as"],
    execution: ReturnType<typeof executionOf>,
  ): AsyncGenerator<T, void, undefined> {
    let count = FIRST_ROWS;
    let batch = (await this.ask({ call: "rows", as, count, ...execution })) as SomeRows;
    try {
      for (;;) {
        yield* batch.rows as T[];
        if (batch.done) return;
        count = Math.min(2 * count, MOST_ROWS);
        batch = (await this.ask({ call: "more", rows: batch.id, count })) as SomeRows;
      }
    } finally {
      // Whoever leaves early does not wait for it.
      if (!batch.done) this.#setting.seat.ask({ call: "enough", rows: batch.id }).catch(() => {});
    }
  }

  /** The same calls, made here, if the database is owned here. What belongs to a transaction goes by its name in any case. */
  #ownFor(sql: string): SqlCalls | undefined {
    const own = this.#setting.seat.own?.sql;
    if (own === undefined || this.#setting.transaction() !== undefined) return undefined;
    if (this.#control(sql) !== undefined) return undefined;
    return this.#options === undefined ? own : own.with(this.#options);
  }

  #control(sql: string): TransactionControl | undefined {
    return this.#setting.control === undefined ? undefined : transactionControl(sql);
  }

  #execution(sql: string, parameters: readonly unknown[]): ReturnType<typeof executionOf> {
    return executionOf(sql, parameters, this.setting());
  }
}

export function executionOf(
  sql: string,
  parameters: readonly unknown[],
  setting: Setting,
): Setting & { readonly sql: string; readonly parameters: readonly unknown[] } {
  return { sql, parameters: cloned(parameters), ...setting };
}

/** A copy that can be sent later, whatever becomes of what was given. */
export function cloned<T>(values: T): T {
  try {
    return structuredClone(values);
  } catch (cause) {
    throw new LacunaError("INVALID_OPTION", "a value is nothing that SQLite can be given", { cause });
  }
}
