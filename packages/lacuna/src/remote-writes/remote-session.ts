import {
  Flight,
  isLacunaError,
  LacunaError,
  type RemoteRequest,
  type RemoteResult,
  type RemoteRows,
  type RemoteStatement,
  type SyncTransport,
} from "@lacuna/page";
import { SqlError, type TransactionMode } from "@lacuna/sqlite";

/** A connection to the remote's SQL, with its transaction. What is asked of it is done one after the other. */
export class RemoteSession {
  readonly #transport: SyncTransport;
  readonly #afterCommit: (signal: AbortSignal | undefined) => Promise<unknown>;
  #baton: string | undefined;
  #inTransaction = false;
  /** Whether a function runs that began its transaction here. */
  #isWithin = false;
  #last: Promise<unknown> = Promise.resolve();

  /** @param afterCommit called after each request that left no transaction open; the request waits for it */
  constructor(transport: SyncTransport, afterCommit: (signal: AbortSignal | undefined) => Promise<unknown>) {
    this.#transport = transport;
    this.#afterCommit = afterCommit;
  }

  /** Whether a transaction is open at the remote. */
  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  /** Runs any number of statements. @throws {SqlError} what the remote refuses */
  async sequence(sql: string, signal: AbortSignal | undefined): Promise<void> {
    await this.#ask({ type: "sequence", sql }, signal);
  }

  /** Runs one statement. @throws {SqlError} what the remote refuses */
  async execute(statement: RemoteStatement, signal: AbortSignal | undefined): Promise<RemoteRows> {
    const result = await this.#ask({ type: "execute", statement }, signal);
    if (result.type === "execute") return result.result;
    throw new LacunaError("PROTOCOL", `the result of a statement expected, found one of ${result.type}`);
  }

  /**
   * Runs a function inside of a transaction. Whatever is asked meanwhile belongs to it, also what others ask; once the transaction
   * is lost, such as by an answer that did not come, it is refused.
   */
  async transaction<T>(mode: TransactionMode, body: () => T): Promise<Awaited<T>> {
    await this.sequence(`BEGIN ${mode}`, undefined);
    this.#isWithin = true;
    try {
      const result = await body();
      await this.#end("COMMIT");
      return result;
    } catch (error) {
      if (this.#inTransaction) await this.#end("ROLLBACK").catch(() => {});
      this.#isWithin = false;
      throw error;
    }
  }

  #end(sql: "COMMIT" | "ROLLBACK"): Promise<RemoteResult> {
    return this.#ask({ type: "sequence", sql }, undefined, true);
  }

  /** @param ends whether what comes after it belongs no longer to the transaction of a function */
  #ask(request: RemoteRequest, signal: AbortSignal | undefined, ends = false): Promise<RemoteResult> {
    const answer = this.#last.then(() => this.#send(request, signal, ends));
    this.#last = answer.catch(() => {});
    // Whoever gives up does not wait for what is before it.
    return new Flight(() => answer).join(signal);
  }

  async #send(request: RemoteRequest, signal: AbortSignal | undefined, ends: boolean): Promise<RemoteResult> {
    signal?.throwIfAborted();
    const baton = this.#baton;
    const wasInside = this.#inTransaction;
    if (this.#isWithin && !wasInside) throw lostTransaction();
    if (ends) this.#isWithin = false;
    this.#baton = undefined;
    this.#inTransaction = false;
    const pipeline = { baton, requests: [request, { type: "get_autocommit" }] } as const;
    const answer = await this.#transport.execute(pipeline, signal === undefined ? {} : { signal });
    const [result, state] = answer.results;
    const isOver = state?.type !== "get_autocommit" || state.isAutocommit || answer.baton === undefined;
    if (isOver && answer.baton !== undefined) await this.#hangUp(answer.baton);
    if (!isOver) {
      this.#baton = answer.baton;
      this.#inTransaction = true;
    }
    if (result?.type === "error") {
      const { message, code } = result.error;
      const lost = wasInside && isOver ? " (the transaction was rolled back)" : "";
      throw new SqlError(message + lost, { resultCode: 1, sqliteCode: code });
    }
    if (result === undefined) throw new LacunaError("PROTOCOL", "a result expected, found none");
    if (isOver) await this.#afterCommit(signal).catch(failedPull);
    return result;
  }

  /** The remote forgets by itself what is not ended in time. */
  async #hangUp(baton: string): Promise<void> {
    await this.#transport.execute({ baton, requests: [{ type: "close" }] }).catch(() => {});
  }
}

const lostTransaction = (): SqlError =>
  new SqlError("the transaction at the remote is lost, so nothing more can be done in it", {
    resultCode: 516,
    sqliteCode: "SQLITE_ABORT_ROLLBACK",
  });

/** Whoever is told of a failure would do it once more. */
function failedPull(cause: unknown): never {
  if (!isLacunaError(cause)) throw cause;
  const { code, message, status, url } = cause;
  throw new LacunaError(code, `it was done at the remote, but what it did could not be pulled: ${message}`, {
    status,
    url,
    cause,
  });
}
