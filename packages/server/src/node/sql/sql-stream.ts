import { closedError } from "@lacuna/page";
import type { CursorRequest, PipelineRequest, SqlResponseJson, SqlResultJson } from "@lacuna/protocol";
import { SqlFailure } from "../../sql/sql-error.ts";
import { inspectSql } from "../../sql/sql-inspection.ts";
import { needTurn, plainRequest, plainSteps, stepsNeedTurn } from "./plain-request.ts";
import type { SqlLoan, SqlProcessPool } from "./process-pool.ts";
import type { OpenOptions, PlainRequest } from "./sql-messages.ts";
import type { WaitingLine } from "./waiting-line.ts";

/** What the streams of a database share. */
export interface StreamContext {
  readonly pool: SqlProcessPool;
  /** One place: who may write. */
  readonly writers: WaitingLine;
  readonly open: Omit<OpenOptions, "readOnly">;
  readonly limitMs: number;
  readonly waitMs: number;
  /** Called when something may have been committed. Never rejects. */
  readonly onWrite: () => Promise<void>;
}

/** What a request left behind. */
export interface StreamState {
  readonly closed: boolean;
  /** Whether there is something that the next request of the stream could build on. */
  readonly worthKeeping: boolean;
  readonly failed: boolean;
}

/** Starting a process is not the time of anybody's SQL; on a busy machine it takes long. */
const OPEN_LIMIT_MS = 30_000;

const textOfError = (failure: SqlFailure): string => {
  return JSON.stringify({ type: "error", error: failure.toJson() } satisfies SqlResultJson);
};
const textOf = (response: SqlResponseJson): string => {
  return JSON.stringify({ type: "ok", response } satisfies SqlResultJson);
};

/** A connection of a client: a process, its transaction, and the texts it stored. */
export class SqlStream {
  readonly writable: boolean;
  readonly #context: StreamContext;
  readonly #stored = new Map<number, string>();
  #loan: SqlLoan | undefined;
  #leaveTurn: (() => void) | undefined;
  #inTransaction = false;
  readonly #ending = new AbortController();

  constructor(context: StreamContext, writable: boolean) {
    this.#context = context;
    this.writable = writable;
  }

  get inTransaction(): boolean {
    return this.#inTransaction;
  }

  /**
   * Runs the requests. A failure ends the pipeline where the process is lost, and only its own request otherwise.
   * @throws {LacunaError} `CLOSED` if the stream is ended meanwhile
   */
  async pipeline(
    { requests }: PipelineRequest,
    clientSignal: AbortSignal,
  ): Promise<StreamState & { readonly results: string[] }> {
    const signal = AbortSignal.any([clientSignal, this.#ending.signal]);
    const results: string[] = [];
    let closed = false;
    let failed = false;
    const fail = (failure: SqlFailure): void => {
      failed = true;
      results.push(textOfError(failure));
    };
    let resultBytes = 0;
    // Requests that need SQLite are handed over together, up to one that needs the stream itself.
    let plain: PlainRequest[] = [];
    const flush = async (): Promise<void> => {
      if (plain.length === 0) return;
      const batch = plain;
      plain = [];
      const before = results.length;
      try {
        await this.#run(batch, resultBytes, signal, (json, isFailure) => {
          results.push(json);
          resultBytes += json.length;
          failed ||= isFailure;
        });
      } catch (error) {
        if (!(error instanceof SqlFailure)) throw error;
        closed ||= this.#isLost;
        while (results.length < before + batch.length) fail(error);
      }
    };
    for (const request of requests) {
      if (closed) {
        fail(new SqlFailure("STREAM_CLOSED", "the stream was closed by an earlier request"));
        continue;
      }
      try {
        const forProcess = plainRequest(request, this.#stored);
        if (forProcess !== undefined) {
          plain.push(forProcess);
          continue;
        }
        await flush();
        if (request.type === "store_sql") this.#store(request.sqlId, request.sql);
        else if (request.type === "close_sql") this.#stored.delete(request.sqlId);
        else if (request.type === "close") closed = true;
        results.push(textOf({ type: request.type } as SqlResponseJson));
      } catch (error) {
        if (!(error instanceof SqlFailure)) throw error;
        await flush();
        fail(error);
      }
    }
    await flush();
    closed ||= this.#isLost;
    return { results, closed, failed, worthKeeping: this.#inTransaction || this.#stored.size > 0 };
  }

  /** Runs a batch, and gives its entries as they are taken. Nothing else may be asked of the stream until it has ended. */
  async *cursor(
    { steps }: CursorRequest,
    clientSignal: AbortSignal,
  ): AsyncGenerator<string, void, undefined> {
    const signal = AbortSignal.any([clientSignal, this.#ending.signal]);
    try {
      const plain = plainSteps(steps, this.#stored);
      const { process } = await this.#ready(stepsNeedTurn(plain), signal);
      let lines = "";
      let question: Parameters<typeof process.ask>[0] = { kind: "cursor", steps: plain };
      for (;;) {
        const outcome = await process.ask(
          question,
          this.#context.limitMs,
          (report) => {
            if (report.kind === "entries") lines = report.lines;
          },
          signal,
        );
        if (outcome !== "paused") {
          await this.#note(outcome.inTransaction);
          return;
        }
        if (lines !== "") yield lines;
        lines = "";
        question = { kind: "more" };
      }
    } catch (error) {
      if (!(error instanceof SqlFailure)) throw error;
      yield `${JSON.stringify({ type: "error", error: error.toJson() })}\n`;
    }
  }

  /** Whether a batch would leave something behind that the next request could build on. It cannot be known before it ran. */
  mayGoOn({ steps }: CursorRequest): boolean {
    const begins = steps.some(({ statement: { text } }) => "sql" in text && inspectSql(text.sql).begins);
    return this.#inTransaction || this.#stored.size > 0 || begins;
  }

  /** Rolls back what is open and gives everything up, also what still runs. Calling it again is harmless. */
  async end(): Promise<void> {
    this.#ending.abort(closedError("the stream"));
    const loan = this.#loan;
    this.#loan = undefined;
    if (loan !== undefined) {
      if (loan.process.alive) {
        await loan.process.ask({ kind: "end" }, this.#context.limitMs).catch(() => loan.process.kill());
      }
      loan.release();
    }
    await this.#giveTurnBack();
  }

  /** Whether the process or the stream ended, and everything the stream was with it. */
  get #isLost(): boolean {
    return this.#ending.signal.aborted || this.#loan?.process.alive === false;
  }

  async #run(
    requests: readonly PlainRequest[],
    resultBytes: number,
    signal: AbortSignal,
    onResult: (json: string, failed: boolean) => void,
  ): Promise<void> {
    const { process } = await this.#ready(needTurn(requests), signal);
    const outcome = await process.ask(
      { kind: "run", requests, resultBytes },
      this.#context.limitMs,
      (report) => {
        if (report.kind === "result") onResult(report.json, report.failed);
      },
      signal,
    );
    if (outcome !== "paused") await this.#note(outcome.inTransaction);
  }

  async #ready(needsTurn: boolean, signal: AbortSignal): Promise<SqlLoan> {
    const { pool, writers, waitMs, open } = this.#context;
    if (this.writable && needsTurn && this.#leaveTurn === undefined) {
      this.#leaveTurn = await writers.take(waitMs, signal);
    }
    if (this.#loan === undefined) {
      const loan = await pool.take(waitMs, signal);
      this.#loan = loan;
      const options = { ...open, readOnly: !this.writable };
      await loan.process.ask({ kind: "open", options }, OPEN_LIMIT_MS, undefined, signal);
    }
    return this.#loan;
  }

  async #note(inTransaction: boolean): Promise<void> {
    this.#inTransaction = inTransaction;
    if (!inTransaction) await this.#giveTurnBack();
  }

  async #giveTurnBack(): Promise<void> {
    const leave = this.#leaveTurn;
    if (leave === undefined) return;
    this.#leaveTurn = undefined;
    this.#inTransaction = false;
    leave();
    await this.#context.onWrite();
  }

  #store(sqlId: number, sql: string): void {
    let characters = sql.length;
    for (const text of this.#stored.values()) characters += text.length;
    if (this.#stored.size >= 1000 || characters > 1_000_000) {
      throw new SqlFailure(
        "SQL_STORE_FULL",
        "a stream keeps at most 1000 texts of a million characters together",
      );
    }
    this.#stored.set(sqlId, sql);
  }
}
