import {
  LacunaError,
  type RemoteRequest,
  type RemoteResult,
  type RemoteRows,
  type RemoteStatement,
  type SyncTransport,
} from "@lacuna/page";
import { SqlError } from "@lacuna/sqlite";

/** A connection to the remote's SQL, with its transaction. What is asked of it is done one after the other. */
export class RemoteSession {
  readonly #transport: SyncTransport;
  readonly #afterCommit: () => Promise<unknown>;
  #baton: string | undefined;
  #inTransaction = false;
  #last: Promise<unknown> = Promise.resolve();

  /** @param afterCommit called after each request that left no transaction open; the request waits for it */
  constructor(transport: SyncTransport, afterCommit: () => Promise<unknown>) {
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

  #ask(request: RemoteRequest, signal: AbortSignal | undefined): Promise<RemoteResult> {
    const answer = this.#last.then(() => this.#send(request, signal));
    this.#last = answer.catch(() => {});
    return answer;
  }

  async #send(request: RemoteRequest, signal: AbortSignal | undefined): Promise<RemoteResult> {
    signal?.throwIfAborted();
    const baton = this.#baton;
    this.#baton = undefined;
    const wasInside = this.#inTransaction;
    this.#inTransaction = false;
    const pipeline = { baton, requests: [request, { type: "get_autocommit" }] } as const;
    const answer = await this.#transport.execute(pipeline, signal === undefined ? {} : { signal });
    const [result, state] = answer.results;
    const isOver = state?.type !== "get_autocommit" || state.isAutocommit || answer.baton === undefined;
    if (isOver && answer.baton !== undefined) await this.#end(answer.baton);
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
    if (isOver) await this.#afterCommit();
    return result;
  }

  /** The remote forgets by itself what is not ended in time. */
  async #end(baton: string): Promise<void> {
    await this.#transport.execute({ baton, requests: [{ type: "close" }] }).catch(() => {});
  }
}
