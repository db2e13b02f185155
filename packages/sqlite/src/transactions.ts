import { LacunaError } from "@lacuna/page";
import { type CallContext, callContext } from "./call-context.ts";
import type { QueryRunner } from "./query-runner.ts";
import { Turn } from "./turn.ts";

/** When a transaction takes the lock that lets it write: `deferred` when it writes, the others at once. */
export type TransactionMode = "deferred" | "immediate" | "exclusive";

/** A function that runs inside a transaction, of the mode `deferred` unless it is called by another name. */
export interface TransactionFunction<Values extends readonly unknown[], Result> {
  (...values: Values): Promise<Result>;
  deferred(...values: Values): Promise<Result>;
  immediate(...values: Values): Promise<Result>;
  exclusive(...values: Values): Promise<Result>;
}

/** Stands for one transaction: statements that carry it belong to it. */
export class Owner {
  ended = false;
}

/** Runs functions inside of transactions, one after the other. */
export class Transactions {
  readonly #runner: QueryRunner;
  /** Tells the statements of a function's transaction from those of others. Made when it is needed first. */
  #context: CallContext<Owner> | undefined;
  #hasContext: boolean | undefined;
  /** Without a context, functions at least do not run at the same time. */
  readonly #turn = new Turn();

  constructor(runner: QueryRunner) {
    this.#runner = runner;
  }

  /** The transaction of the function that the caller runs in. */
  get current(): Owner | undefined {
    const owner = this.#context?.current();
    return owner?.ended === false ? owner : undefined;
  }

  /** Statements that the function runs on the database belong to its transaction. Inside of one it is a savepoint. */
  function<Values extends readonly unknown[], Result>(
    run: (...values: Values) => Result,
  ): TransactionFunction<Values, Awaited<Result>> {
    return inModes(run, (mode, values) => this.#implicit(mode, () => run(...values)));
  }

  /** Only statements that are given the owner belong to the transaction; others wait for its end. */
  async explicit<Result>(
    mode: TransactionMode,
    body: (owner: Owner) => Result,
    within?: Owner,
  ): Promise<Awaited<Result>> {
    if (within !== undefined) return this.#savepoint(within, () => body(within));
    const owner = new Owner();
    const leave = await this.#runner.own(owner);
    try {
      return await this.#around(owner, `BEGIN ${mode}`, "COMMIT", ["ROLLBACK"], () => body(owner));
    } finally {
      owner.ended = true;
      leave();
    }
  }

  /** With nothing of others in between, and in a transaction if there is a mode and none is open. */
  async alone<Result>(
    mode: TransactionMode | undefined,
    body: (owner: Owner) => Promise<Result>,
  ): Promise<Result> {
    const owner = new Owner();
    const leave = await this.#runner.own(owner);
    try {
      if (mode === undefined || this.#runner.inTransaction) return await body(owner);
      return await this.#around(owner, `BEGIN ${mode}`, "COMMIT", ["ROLLBACK"], () => body(owner));
    } finally {
      owner.ended = true;
      leave();
    }
  }

  async #implicit<Result>(mode: TransactionMode, body: () => Result): Promise<Awaited<Result>> {
    if (this.#hasContext === undefined) {
      this.#context = callContext<Owner>();
      this.#hasContext = this.#context !== undefined;
    }
    const context = this.#context;
    if (context !== undefined) {
      return this.explicit(mode, (owner) => context.run(owner, body), this.current);
    }
    const turn = await this.#turn.take();
    try {
      return await this.#around(undefined, `BEGIN ${mode}`, "COMMIT", ["ROLLBACK"], body);
    } finally {
      turn.end();
    }
  }

  #savepoint<Result>(owner: Owner, body: () => Result): Promise<Awaited<Result>> {
    const undo = ["ROLLBACK TO lacuna_transaction", "RELEASE lacuna_transaction"];
    return this.#around(owner, "SAVEPOINT lacuna_transaction", "RELEASE lacuna_transaction", undo, body);
  }

  async #around<Result>(
    owner: Owner | undefined,
    begin: string,
    end: string,
    undo: readonly string[],
    body: () => Result,
  ): Promise<Awaited<Result>> {
    const run = (sql: string) => this.#runner.script(sql, undefined, owner);
    await run(begin);
    try {
      const result = await body();
      await run(end);
      return result;
    } catch (error) {
      // The failure itself may have ended the transaction.
      if (this.#runner.inTransaction && !this.#runner.closed) {
        for (const sql of undo) await run(sql).catch(() => {});
      }
      throw error;
    }
  }
}

/** A function for each mode. */
export function inModes<Values extends readonly unknown[], Result>(
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
