import { type ChildProcess, fork } from "node:child_process";
import { SqlFailure } from "../../sql/sql-error.ts";
import type { SqlQuestion, SqlReport } from "./sql-messages.ts";

const FROM_SOURCE = import.meta.url.endsWith(".ts");
const PROGRAM = new URL(FROM_SOURCE ? "./sql-process.ts" : "./sql-process.js", import.meta.url);

/** What a question was answered with at its end, or `paused` where the process waits to go on. */
export type SqlOutcome = { readonly inTransaction: boolean } | "paused";

/** The near end of a SQL process. It is asked one question at a time. */
export class SqlProcess {
  readonly #child: ChildProcess;
  #onReport: ((report: SqlReport) => void) | undefined;
  #onEnd: ((failure: SqlFailure) => void) | undefined;
  #ended: SqlFailure | undefined;

  /** @param maxBytes the memory it may take; a statement that needs more costs the process its life */
  constructor(maxBytes: number) {
    this.#child = fork(PROGRAM, [String(maxBytes), String(process.pid)], {
      serialization: "advanced",
      // Nothing it prints belongs into the server's output; its failures are reported.
      stdio: ["ignore", "ignore", "ignore", "ipc"],
      execArgv: [
        "--disable-warning=ExperimentalWarning",
        ...(FROM_SOURCE ? ["--conditions=lacuna-source"] : []),
      ],
    });
    const ended = (): void =>
      this.#end(
        new SqlFailure(
          "SQL_PROCESS_ENDED",
          `it was ended: it crashed, or took more than ${maxBytes} bytes of memory`,
        ),
      );
    this.#child.on("exit", ended);
    this.#child.on("error", ended);
    this.#child.on("message", (report: SqlReport) => this.#onReport?.(report));
  }

  get pid(): number | undefined {
    return this.#child.pid;
  }

  get alive(): boolean {
    return this.#ended === undefined;
  }

  /**
   * Asks a question and waits for its answer.
   * @param limitMs how long it may take, in milliseconds; then the process is ended
   * @param onReport hears results and entries on the way
   * @throws {SqlFailure} if it failed as a whole, the limit passed, or the process ended; after the last two it is of no use
   * @throws the signal's reason if aborted; the process is ended too
   */
  ask(
    question: SqlQuestion,
    limitMs: number,
    onReport: (report: SqlReport) => void = () => {},
    signal?: AbortSignal,
  ): Promise<SqlOutcome> {
    return new Promise((resolve, reject) => {
      if (this.#ended !== undefined) return reject(this.#ended);
      const settle = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener("abort", onAbort);
        this.#onReport = undefined;
        this.#onEnd = undefined;
      };
      const fail = (error: unknown): void => {
        settle();
        reject(error);
      };
      const onAbort = (): void => {
        fail(signal?.reason);
        this.kill();
      };
      const timer = setTimeout(() => {
        fail(new SqlFailure("SQLITE_INTERRUPT", `interrupted: it ran longer than ${limitMs} ms`));
        this.kill();
      }, limitMs);
      this.#onEnd = fail;
      this.#onReport = (report) => {
        if (report.kind === "failed") {
          fail(new SqlFailure(report.error.code, report.error.message));
        } else if (report.kind === "done") {
          settle();
          resolve(report);
        } else {
          onReport(report);
          if (report.kind !== "entries") return;
          settle();
          resolve("paused");
        }
      };
      if (signal?.aborted === true) return onAbort();
      signal?.addEventListener("abort", onAbort, { once: true });
      this.#child.send(question);
    });
  }

  /** Keeps the program running, or not, while nothing is asked. */
  hold(keep: boolean): void {
    if (keep) {
      this.#child.ref();
      this.#child.channel?.ref();
    } else {
      this.#child.unref();
      this.#child.channel?.unref();
    }
  }

  /** Ends the process wherever it is: SQLite rolls back what was not committed. */
  kill(): void {
    this.#child.kill("SIGKILL");
    this.#end(new SqlFailure("SQL_PROCESS_ENDED", "the process that ran the SQL was ended"));
  }

  #end(failure: SqlFailure): void {
    if (this.#ended !== undefined) return;
    this.#ended = failure;
    this.#onEnd?.(failure);
  }
}
