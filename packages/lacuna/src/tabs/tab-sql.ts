import { isLacunaError, LacunaError } from "@lacuna/page";
import {
  type SqlDatabase,
  SqlError,
  type SqlStats,
  type SqlTransaction,
  type TransactionFunction,
  type TransactionMode,
} from "@lacuna/sqlite";
import type { Seat } from "./seat.ts";
import { TabCalls } from "./tab-calls.ts";
import type { TransactionControl } from "./transaction-control.ts";

interface State {
  safeIntegers: boolean;
  /** The transaction of a function that runs on the database itself. */
  transaction: string | undefined;
}

/** SQL over a database that this tab owns or another one. */
export class TabSql extends TabCalls implements SqlDatabase {
  readonly #seat: Seat;
  readonly #state: State;
  /** Functions do not run at the same time: nothing tells whose statements are whose. */
  #turn: Promise<unknown> = Promise.resolve();
  #transactions = 0;
  #open = true;

  constructor(seat: Seat, safeIntegers: boolean) {
    const state: State = { safeIntegers, transaction: undefined };
    super({
      seat,
      safeIntegers: () => state.safeIntegers,
      transaction: () => state.transaction,
      control: (control) => this.#control(control),
    });
    this.#seat = seat;
    this.#state = state;
  }

  get open(): boolean {
    return this.#open;
  }

  /** Of this tab. What the others have open is not its business. */
  get inTransaction(): boolean {
    return this.#transactions > 0;
  }

  get safeIntegers(): boolean {
    return this.#state.safeIntegers;
  }

  transaction<Values extends readonly unknown[], Result>(
    run: (...values: Values) => Result,
  ): TransactionFunction<Values, Awaited<Result>> {
    return inModes(run, (mode, values: Values) => {
      const { own } = this.#seat;
      if (own !== undefined) return own.sql.transaction(this.#counted(run))[mode](...values);
      const turn = this.#turn.then(() =>
        this.#around(mode, async (transaction) => {
          this.#state.transaction = transaction;
          try {
            return await run(...values);
          } finally {
            this.#state.transaction = undefined;
          }
        }),
      );
      this.#turn = turn.catch(() => {});
      return turn;
    });
  }

  transactionAsync<Values extends readonly unknown[], Result>(
    run: (transaction: SqlTransaction, ...values: Values) => Result,
  ): TransactionFunction<Values, Awaited<Result>> {
    return inModes(run, (mode, values: Values) => {
      const { own } = this.#seat;
      if (own !== undefined) return own.sql.transactionAsync(this.#counted(run))[mode](...values);
      return this.#around(mode, async (transaction) => {
        const safeIntegers = (): boolean => this.#state.safeIntegers;
        return run(
          new TabCalls({ seat: this.#seat, safeIntegers, transaction: () => transaction }),
          ...values,
        );
      });
    });
  }

  defaultSafeIntegers(on = true): this {
    this.#state.safeIntegers = on;
    this.#seat.own?.sql.defaultSafeIntegers(on);
    return this;
  }

  stats(): SqlStats {
    return this.#seat.stats.sql;
  }

  async close(): Promise<void> {
    this.#open = false;
    await this.#seat.leave();
    await this.#seat.own?.sql.close();
  }

  /** A transaction begun and ended by SQL, which calls belong to in between. */
  async #control(control: TransactionControl): Promise<void> {
    const { transaction } = this.#state;
    if (control.does === "begin") {
      if (transaction !== undefined) throw misplaced("there is a transaction already");
      this.#state.transaction = String(await this.#seat.ask({ call: "begin", mode: control.mode }));
      this.#transactions++;
    } else {
      if (transaction === undefined) throw misplaced("no transaction was begun");
      this.#state.transaction = undefined;
      this.#transactions--;
      await this.#end(transaction, control.does === "commit");
    }
  }

  async #end(transaction: string, commit: boolean): Promise<void> {
    try {
      await this.#seat.ask({ call: "end", transaction, commit });
    } catch (error) {
      // Nothing is left of it when its owner is gone, which is what a rollback wants.
      if (commit || !isLacunaError(error, "OWNER_GONE")) throw error;
    }
  }

  async #around<Result>(
    mode: TransactionMode,
    body: (transaction: string) => Promise<Result>,
  ): Promise<Awaited<Result>> {
    const transaction = String(await this.#seat.ask({ call: "begin", mode }));
    let result: Awaited<Result>;
    try {
      result = await this.#counted(body)(transaction);
    } catch (error) {
      // Why the rollback failed, such as a database that was closed, says less than why it was wanted.
      await this.#end(transaction, false).catch(() => {});
      throw error;
    }
    await this.#end(transaction, true);
    return result;
  }

  /** The function of a transaction, which is one of this tab as long as it runs. */
  #counted<Values extends readonly unknown[], Result>(
    run: (...values: Values) => Result,
  ): (...values: Values) => Promise<Awaited<Result>> {
    return async (...values): Promise<Awaited<Result>> => {
      this.#transactions++;
      try {
        return await run(...values);
      } finally {
        this.#transactions--;
      }
    };
  }
}

const misplaced = (message: string): SqlError =>
  new SqlError(message, { resultCode: 1, sqliteCode: "SQLITE_ERROR" });

/** A function for each mode. */
function inModes<Values extends readonly unknown[], Result>(
  body: unknown,
  run: (mode: TransactionMode, values: Values) => Promise<Result>,
): TransactionFunction<Values, Result> {
  if (typeof body !== "function") {
    throw new LacunaError("INVALID_OPTION", `a transaction needs a function to run, got ${typeof body}`);
  }
  const inMode =
    (mode: TransactionMode) =>
    (...values: Values) =>
      run(mode, values);
  return Object.assign(inMode("deferred"), {
    deferred: inMode("deferred"),
    immediate: inMode("immediate"),
    exclusive: inMode("exclusive"),
  });
}
