import { closedError, LacunaError } from "@lacuna/page";
import type { BatchOptions, SqlCalls, SqlStatement, SqlTransaction } from "@lacuna/sqlite";
import type { Parts } from "../open-parts.ts";
import type { PreparedFacts, Question, Setting, SomeRows } from "./question.ts";

interface OpenTransaction {
  readonly calls: SqlTransaction;
  readonly commit: () => void;
  readonly rollBack: (reason: unknown) => void;
  readonly done: Promise<void>;
}

interface OpenRows {
  readonly iterator: AsyncIterableIterator<unknown>;
  /** Ends them, also while the next ones are awaited. */
  readonly ending: AbortController;
}

/** Rows of one answer, at most. */
const MOST_ROWS = 1000;

/** The calls of one tab, made on the database. What the tab has begun and not ended is undone with `end`. */
export class Session {
  readonly #owner: string;
  readonly #parts: Parts;
  readonly #transactions = new Map<string, OpenTransaction>();
  readonly #rows = new Map<string, OpenRows>();
  readonly #pulled: () => void;
  #last = 0;
  #over = false;

  /**
   * @param owner is in the names of what is begun, so that nothing begun with another owner is taken for it
   * @param pulled is told when a pull of this tab brought something
   */
  constructor(owner: string, parts: Parts, pulled: () => void) {
    this.#owner = owner;
    this.#parts = parts;
    this.#pulled = pulled;
  }

  async answer(question: Question, signal: AbortSignal): Promise<unknown> {
    const { replica } = this.#parts;
    switch (question.call) {
      case "run":
      case "isResident":
      case "estimate":
        return this.#calls(question, signal)[question.call](question.sql, ...parameters(question));
      case "get":
      case "all": {
        const { call, as, sql } = question;
        const calls = this.#calls(question, signal);
        if (as === "object") return calls[call](sql, ...parameters(question));
        return shaped(await calls.prepare(sql), as, question, signal)[call](...parameters(question));
      }
      case "rows": {
        const { as, sql } = question;
        const ending = new AbortController();
        const calls = this.#calls(question, ending.signal);
        const iterator =
          as === "object"
            ? calls.iterate<unknown>(sql, ...parameters(question))
            : shaped(await calls.prepare(sql), as, question, ending.signal).iterate<unknown>(
                ...parameters(question),
              );
        const id = this.#newId();
        this.#rows.set(id, { iterator, ending });
        return this.#more(id, question.count, signal);
      }
      case "more":
        return this.#more(question.rows, question.count, signal);
      case "enough":
        return this.#enough(question.rows);
      case "prepare":
        return this.#prepare(question, signal);
      case "exec":
        return this.#calls(question, signal).exec(question.sql);
      case "batch":
        return this.#base(question).batch(question.statements, batchOptions(question));
      case "begin":
        return this.#begin(question.mode, signal);
      case "end":
        return this.#finish(question.transaction, question.commit);
      case "push":
        return replica.push({ signal });
      case "pull": {
        const changed = await replica.pull({ signal, longPollMs: question.longPollMs });
        if (changed) this.#pulled();
        return changed;
      }
      case "hydrate":
        return replica.hydrate(question.target, { signal });
      case "checkpoint":
        return replica.pager.checkpoint();
      case "pending":
        return replica.pending();
      case "discard":
        return replica.discard(question.change);
      case "stats":
        return undefined;
    }
  }

  /** Rolls back what is open. */
  async end(): Promise<void> {
    this.#over = true;
    const open = [...this.#transactions.values()];
    this.#transactions.clear();
    for (const { rollBack } of open) rollBack(new RolledBack());
    const rows = [...this.#rows.values()];
    this.#rows.clear();
    await Promise.allSettled([...open.map(({ done }) => done), ...rows.map(ended)]);
  }

  #newId(): string {
    return `${this.#owner} ${++this.#last}`;
  }

  #base({ transaction }: Setting): SqlTransaction {
    return transaction === undefined ? this.#parts.sql : this.#open(transaction).calls;
  }

  #calls(setting: Setting, signal: AbortSignal): SqlCalls {
    const { safeIntegers, budget } = setting;
    return this.#base(setting).with({ safeIntegers, budget, signal });
  }

  #open(transaction: string): OpenTransaction {
    const open = this.#transactions.get(transaction);
    if (open !== undefined) return open;
    throw new LacunaError(
      "OWNER_GONE",
      "the transaction ended with the tab that ran it; nothing of it happened",
    );
  }

  async #prepare(question: Setting & { readonly sql: string }, signal: AbortSignal): Promise<PreparedFacts> {
    const statement = await this.#calls(question, signal).prepare(question.sql);
    statement.close();
    return { reader: statement.reader, columns: statement.columns() };
  }

  async #more(id: string, count: number, signal: AbortSignal): Promise<SomeRows> {
    const open = this.#rows.get(id);
    if (open === undefined) {
      throw new LacunaError("OWNER_GONE", "the rest of the rows went with the tab that owned the database");
    }
    const { iterator, ending } = open;
    const end = (): void => ending.abort(signal.reason);
    signal.addEventListener("abort", end, { once: true });
    if (signal.aborted) end();
    try {
      const rows: unknown[] = [];
      while (rows.length < Math.min(count, MOST_ROWS)) {
        const { done, value } = await iterator.next();
        if (done === true) {
          this.#rows.delete(id);
          return { id, rows, done: true };
        }
        rows.push(value);
      }
      return { id, rows, done: false };
    } catch (error) {
      this.#rows.delete(id);
      throw error;
    } finally {
      signal.removeEventListener("abort", end);
    }
  }

  async #enough(id: string): Promise<void> {
    const open = this.#rows.get(id);
    this.#rows.delete(id);
    if (open !== undefined) await ended(open);
  }

  async #begin(mode: "deferred" | "immediate" | "exclusive", signal: AbortSignal): Promise<string> {
    const begun = Promise.withResolvers<SqlTransaction>();
    const verdict = Promise.withResolvers<void>();
    // Nobody may be waiting when it comes.
    verdict.promise.catch(() => {});
    const done = this.#parts.sql
      .transactionAsync((calls) => {
        begun.resolve(calls);
        return verdict.promise;
      })
      [mode]();
    done.catch(begun.reject);
    const calls = await begun.promise;
    const transaction = { calls, commit: verdict.resolve, rollBack: verdict.reject, done };
    if (this.#over || signal.aborted) {
      transaction.rollBack(new RolledBack());
      throw signal.aborted ? signal.reason : closedError("the database");
    }
    const id = this.#newId();
    this.#transactions.set(id, transaction);
    return id;
  }

  async #finish(id: string, commit: boolean): Promise<void> {
    const transaction = this.#open(id);
    this.#transactions.delete(id);
    if (commit) {
      transaction.commit();
      return transaction.done;
    }
    transaction.rollBack(new RolledBack());
    await transaction.done.catch((error: unknown) => {
      if (!(error instanceof RolledBack)) throw error;
    });
  }
}

async function ended({ iterator, ending }: OpenRows): Promise<void> {
  ending.abort(closedError("the database"));
  await iterator.return?.();
}

/** Ends a transaction without being a failure. */
class RolledBack extends Error {}

/** Copied here, so that the rest of SQL takes them as it takes those of a caller. */
const parameters = ({ parameters: given }: { readonly parameters: readonly unknown[] }): never[] =>
  given as never[];

function batchOptions({ options, safeIntegers }: Extract<Question, { call: "batch" }>): BatchOptions {
  return { safeIntegers, ...(typeof options === "string" ? { mode: options } : options) };
}

function shaped(
  statement: SqlStatement,
  as: "object" | "array" | "value",
  { safeIntegers, budget }: Setting,
  signal: AbortSignal,
): SqlStatement {
  const under = statement.with({ safeIntegers, budget, signal });
  return as === "array" ? under.raw() : as === "value" ? under.pluck() : under;
}
