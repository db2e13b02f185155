import { closedError } from "@lacuna/page";
import { SqlProcess } from "./process-handle.ts";
import { WaitingLine } from "./waiting-line.ts";

export interface SqlProcessPoolOptions {
  /**
   * How many processes there may be at once. Each open stream has one to itself.
   * @default 8
   */
  readonly maxProcesses?: number | undefined;
  /**
   * How many are kept for the next one to come.
   * @default 2
   */
  readonly idleProcesses?: number | undefined;
  /**
   * The memory one process may take, in bytes. Looked at ten times a second; one that took more is ended.
   * @default 536870912
   */
  readonly maxProcessBytes?: number | undefined;
}

/** A process on loan. */
export interface SqlLoan {
  readonly process: SqlProcess;
  /** Gives it back. One that was killed is replaced when another is wanted. Calling it again is harmless. */
  release(): void;
}

/** Processes that run SQL, of any number of databases. */
export class SqlProcessPool {
  readonly #idleProcesses: number;
  readonly #maxProcessBytes: number;
  readonly #line: WaitingLine;
  readonly #idle: SqlProcess[] = [];
  readonly #all = new Set<SqlProcess>();
  #closed = false;

  constructor(options: SqlProcessPoolOptions = {}) {
    const { maxProcesses = 8, idleProcesses = 2 } = options;
    this.#idleProcesses = idleProcesses;
    this.#maxProcessBytes = options.maxProcessBytes ?? 536_870_912;
    this.#line = new WaitingLine("a process for SQL", maxProcesses);
  }

  /** How many processes run. */
  get size(): number {
    return this.#all.size;
  }

  /** @throws {LacunaError} `BUSY` if none became free in time, `CLOSED` */
  async take(timeoutMs: number, signal: AbortSignal): Promise<SqlLoan> {
    const leave = await this.#line.take(timeoutMs, signal);
    if (this.#closed) {
      leave();
      throw closedError("the pool of SQL processes");
    }
    let process = this.#idle.pop();
    while (process !== undefined && !process.alive) {
      this.#all.delete(process);
      process = this.#idle.pop();
    }
    process ??= new SqlProcess(this.#maxProcessBytes);
    this.#all.add(process);
    process.hold(true);
    const taken = process;
    return {
      process: taken,
      release: () => {
        if (this.#all.has(taken) && !this.#idle.includes(taken)) this.#putBack(taken);
        leave();
      },
    };
  }

  /** Ends every process. What they were doing is rolled back. */
  close(): void {
    this.#closed = true;
    for (const process of this.#all) process.kill();
    this.#all.clear();
    this.#idle.length = 0;
  }

  #putBack(process: SqlProcess): void {
    if (process.alive && !this.#closed && this.#idle.length < this.#idleProcesses) {
      process.hold(false);
      this.#idle.push(process);
      return;
    }
    this.#all.delete(process);
    process.kill();
  }
}
