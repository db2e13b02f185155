import type { Column, CompiledStatement } from "./compiled-statement.ts";
import type { Connection } from "./connection.ts";
import type { Circumstances } from "./connection-setup.ts";
import { bindParameters, type ParameterNames, resolveParameters, type SqlValue } from "./parameters.ts";
import { SQLITE_OK } from "./result-code.ts";
import { RowReader, type RowShape } from "./row-reader.ts";
import type { View } from "./view.ts";

/** Of rows: no limit. */
const ALL = Number.POSITIVE_INFINITY;

/** What a statement that was run for its effect did. */
export interface RunResult {
  /** Rows inserted, updated or deleted by the statement itself, without those of triggers. */
  readonly changes: number;
  /** Row id of the last row inserted; a bigint with `safeIntegers`, and when a number cannot hold it exactly. */
  readonly lastInsertRowid: number | bigint;
}

/** What compiling a statement tells. */
export interface StatementFacts {
  readonly readonly: boolean;
  readonly columns: readonly Column[];
  readonly parameterNames: ParameterNames;
}

/** One execution of a statement. */
export interface Execution extends Circumstances {
  readonly sql: string;
  readonly given: readonly unknown[];
  /** Run only if it does not write, and on a view that shows the same as this one. */
  readonly reads?: View | undefined;
}

/** A statement cannot run on the instance it was given. Never leaves this package. */
export class Misplaced extends Error {
  /** `writes`: it writes, though its text did not look like it; `moved`: a cursor keeps the instance on another view. */
  readonly reason: "writes" | "moved";

  constructor(reason: Misplaced["reason"]) {
    super(reason);
    this.reason = reason;
  }
}

/** A statement ready to run, with its values in it. */
interface Started {
  readonly statement: CompiledStatement;
  readonly parameters: readonly SqlValue[];
}

export function describeStatement(connection: Connection, execution: Execution): Promise<StatementFacts> {
  return connection.perform(execution, async () => {
    const statement = await connection.compile(execution.sql);
    try {
      const { readonly, parameterNames } = statement;
      return { readonly, parameterNames, columns: statement.columns() };
    } finally {
      connection.giveBack(statement);
    }
  });
}

export function queryRows(
  connection: Connection,
  execution: Execution,
  shape: RowShape,
  limit: number,
): Promise<unknown[]> {
  return connection.perform(execution, async () => {
    const { statement, parameters } = await start(connection, execution);
    try {
      const rows: unknown[] = [];
      const reader = new RowReader(connection.engine, statement, shape);
      await connection.execute({ statement, parameters, reader, limit, rows });
      return rows;
    } finally {
      connection.giveBack(statement);
    }
  });
}

/** Everything one execution of a statement gives. */
export interface Answer extends RunResult {
  readonly columns: readonly Column[];
  readonly rows: unknown[];
}

export function answerStatement(
  connection: Connection,
  execution: Execution,
  shape: RowShape,
): Promise<Answer> {
  return connection.perform(execution, async () => {
    const { statement, parameters } = await start(connection, execution);
    try {
      const before = connection.totalChanges;
      const rows: unknown[] = [];
      const reader = new RowReader(connection.engine, statement, shape);
      await connection.execute({ statement, parameters, reader, limit: ALL, rows });
      return { columns: statement.columns(), rows, ...effectOf(connection, before, shape.safeIntegers) };
    } finally {
      connection.giveBack(statement);
    }
  });
}

function effectOf(connection: Connection, totalBefore: bigint, safeIntegers: boolean): RunResult {
  const changes = connection.totalChanges === totalBefore ? 0 : Number(connection.changes);
  const rowid = connection.lastInsertRowid;
  const exact = Number.isSafeInteger(Number(rowid));
  return { changes, lastInsertRowid: exact && !safeIntegers ? Number(rowid) : rowid };
}

export function runStatement(
  connection: Connection,
  execution: Execution,
  safeIntegers: boolean,
): Promise<RunResult> {
  return connection.perform(execution, async () => {
    const { statement, parameters } = await start(connection, execution);
    try {
      const before = connection.totalChanges;
      await connection.execute({ statement, parameters, reader: undefined, limit: ALL, rows: [] });
      return effectOf(connection, before, safeIntegers);
    } finally {
      connection.giveBack(statement);
    }
  });
}

/**
 * Runs a statement to its end, or to `limit` rows, for the sake of the pages that it reads. What it writes is rolled back.
 */
export function walkThrough(connection: Connection, execution: Execution, limit: number): Promise<void> {
  return connection.perform(execution, async () => {
    const { statement } = await start(connection, execution);
    try {
      if (!statement.readonly) await connection.command("BEGIN");
      await connection.step(statement.pointer, undefined, limit, []);
    } finally {
      connection.giveBack(statement);
      if (connection.inTransaction) await connection.command("ROLLBACK");
    }
  });
}

async function start(connection: Connection, execution: Execution): Promise<Started> {
  const { sql, given, reads } = execution;
  if (reads !== undefined && connection.lockedView?.sameState(reads) === false) throw new Misplaced("moved");
  const statement = await connection.compile(sql);
  try {
    if (reads !== undefined && !statement.readonly) throw new Misplaced("writes");
    const parameters = resolveParameters(given, statement.parameterNames);
    const result = bindParameters(connection.engine, statement.pointer, parameters);
    if (result !== SQLITE_OK) throw connection.error(result);
    return { statement, parameters };
  } catch (error) {
    connection.giveBack(statement);
    throw error;
  }
}

/**
 * Rows handed over together, at first and at most, and by how much a batch grows over the one before. What waits to be
 * taken outlives collections of garbage, and the heap of V8 grows with that: so there are not thousands.
 */
const FIRST_BATCH_ROWS = 1;
const MAX_BATCH_ROWS = 64;
const BATCH_GROWTH = 4;

/**
 * A statement whose rows are fetched in batches. Between them it is open on the instance and keeps the view it reads
 * from, but not the instance: other statements run there meanwhile.
 */
export class Cursor {
  readonly #connection: Connection;
  readonly #execution: Execution;
  readonly #shape: RowShape;
  #started: Started | undefined;
  #reader: RowReader | undefined;
  #batchRows = FIRST_BATCH_ROWS;
  #ended = false;

  constructor(connection: Connection, execution: Execution, shape: RowShape) {
    this.#connection = connection;
    this.#execution = execution;
    this.#shape = shape;
  }

  /** True once the last row was handed over. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The next rows. Driver `jspi` only: what is open is not run again for want of a page. */
  next(): Promise<unknown[]> {
    const connection = this.#connection;
    return connection.perform(this.#execution, async () => {
      this.#started ??= await start(connection, this.#execution);
      const { statement, parameters } = this.#started;
      this.#reader ??= new RowReader(connection.engine, statement, this.#shape);
      const rows: unknown[] = [];
      if (!statement.readonly) {
        // Not left open, because no transaction can be committed while a statement that writes is.
        await connection.execute({ statement, parameters, reader: this.#reader, limit: ALL, rows });
        this.#ended = true;
        return rows;
      }
      this.#ended = await connection.step(statement.pointer, this.#reader, this.#batchRows, rows);
      this.#batchRows = Math.min(MAX_BATCH_ROWS, this.#batchRows * BATCH_GROWTH);
      return rows;
    });
  }

  /** Ends the statement as soon as the instance is free. Does not wait for that. */
  close(): void {
    this.#execution.follower?.end();
    const statement = this.#started?.statement;
    this.#started = undefined;
    if (statement !== undefined) this.#connection.giveBackLater(statement);
  }
}
