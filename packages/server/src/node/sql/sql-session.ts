import { DatabaseSync, type StatementSync } from "node:sqlite";
import {
  type BatchResultJson,
  type CursorEntryJson,
  conditionHolds,
  type DescribeResultJson,
  encodeSqlValue,
  type SqlColumnJson,
  type SqlErrorJson,
  type SqlValue,
  type SqlValueJson,
  type StatementResultJson,
  stepsOfCondition,
} from "@lacuna/protocol";
import { SqlFailure } from "../../sql/sql-error.ts";
import { inspectSql, sqlParameters } from "../../sql/sql-inspection.ts";
import { sqlTokens } from "../../sql/sql-tokens.ts";
import { extendedCode } from "../sqlite-error.ts";
import { restrict } from "./restrict.ts";
import type { OpenOptions, PlainStatement, PlainStep } from "./sql-messages.ts";
import { sqliteCodeName } from "./sqlite-code.ts";

const KEPT_STATEMENTS = 64;

/** One connection to a database, and what SQL over HTTP asks of it. Everything is synchronous. */
export class SqlSession {
  /** Bytes of the results that are made already of what is answered together. */
  resultBytes = 0;
  readonly #database: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #maxResultBytes: number;
  readonly #counters: StatementSync;

  /** @throws {SqlFailure} if SQLite cannot open it */
  constructor(options: OpenOptions) {
    const { path, readOnly, busyTimeoutMs } = options;
    this.#maxResultBytes = options.maxResultBytes;
    try {
      this.#database = new DatabaseSync(path, {
        readOnly,
        timeout: busyTimeoutMs,
        // As SQLite has it by default.
        enableForeignKeyConstraints: false,
      });
      if (!readOnly) this.#enterWalMode();
      this.#counters = this.#database.prepare("SELECT changes(), total_changes(), last_insert_rowid()");
      this.#counters.setReadBigInts(true);
      restrict(this.#database);
    } catch (error) {
      throw failureOf(error);
    }
  }

  get inTransaction(): boolean {
    return this.#database.isTransaction;
  }

  /** @throws {SqlFailure} */
  execute(statement: PlainStatement): StatementResultJson {
    const rows: SqlValueJson[][] = [];
    const entries = this.#run(statement);
    let bytes = 0;
    for (;;) {
      const next = entries.next();
      if (next.done === true) return { ...next.value, rows };
      bytes += sizeOf(next.value);
      this.#checkSize(bytes);
      rows.push(next.value);
    }
  }

  /** Every step that runs tells its outcome in its place, and nothing of it is thrown. */
  batch(steps: readonly PlainStep[]): BatchResultJson {
    const results: (StatementResultJson | null)[] = steps.map(() => null);
    const errors: (SqlErrorJson | null)[] = steps.map(() => null);
    let at = 0;
    let cols: readonly SqlColumnJson[] = [];
    let rows: (readonly SqlValueJson[])[] = [];
    let bytes = 0;
    for (const entry of this.cursor(steps, () => this.#checkSize(bytes))) {
      if (entry.type === "step_begin") {
        at = entry.step;
        cols = entry.cols;
        rows = [];
      } else if (entry.type === "row") {
        bytes += sizeOf(entry.row);
        rows.push(entry.row);
      } else if (entry.type === "step_end") {
        const { affected_row_count, last_insert_rowid } = entry;
        results[at] = { cols, rows, affected_row_count, last_insert_rowid };
      } else if (entry.type === "step_error") errors[entry.step] = entry.error;
    }
    return { step_results: results, step_errors: errors };
  }

  /**
   * Runs a batch, entry by entry. Conditions are looked at when their step comes.
   *
   * A transaction that the batch itself began is rolled back as a whole when a step fails that no condition of the batch asks
   * about: whoever sent it did not foresee the failure, and half of it must not be committed. The steps behind it are
   * skipped. The one exception is a column that is there already: adding it again changes nothing.
   * @param onRow called after each row; what it throws is the failure of the step
   */
  *cursor(
    steps: readonly PlainStep[],
    onRow: () => void = () => {},
  ): Generator<CursorEntryJson, void, undefined> {
    const foreseen = new Set<number>();
    for (const { condition } of steps) {
      if (condition !== undefined) stepsOfCondition(condition, (step) => foreseen.add(step));
    }
    const outcomes: ("ok" | "error" | undefined)[] = [];
    const progress = {
      outcome: (step: number) => outcomes[step],
      isAutocommit: () => !this.inTransaction,
    };
    const beganOutside = !this.inTransaction;
    for (const [step, { condition, statement }] of steps.entries()) {
      if (condition !== undefined && !conditionHolds(condition, progress)) continue;
      const wasInside = this.inTransaction;
      try {
        yield* this.#step(step, statement, onRow);
        outcomes[step] = "ok";
      } catch (error) {
        if (!(error instanceof SqlFailure)) throw error;
        outcomes[step] = "error";
        const doomed = beganOutside && !foreseen.has(step) && !isRepeatedColumn(statement.sql, error);
        const begins = inspectSql(statement.sql).begins;
        if (doomed) this.rollback();
        yield { type: "step_error", step, error: error.toJson() };
        if (doomed && (wasInside || begins)) return;
      }
    }
  }

  /** Runs statements up to the first that fails. @throws {SqlFailure} */
  sequence(sql: string): void {
    this.#checkAllowed(sql);
    try {
      this.#database.exec(sql);
    } catch (error) {
      throw failureOf(error);
    }
  }

  /** @throws {SqlFailure} */
  describe(sql: string): DescribeResultJson {
    const statement = this.#prepare(sql);
    const { readsOnly, isExplain } = inspectSql(sql);
    return {
      params: sqlParameters(sql).map((name) => ({ name })),
      cols: columnsOf(statement),
      is_explain: isExplain,
      is_readonly: readsOnly,
    };
  }

  /** Adds a result to those made already. @throws {SqlFailure} if they are too large together */
  countResult(bytes: number): void {
    this.#checkSize(bytes);
    this.resultBytes += bytes;
  }

  /** Gives up the transaction, if there is one. */
  rollback(): void {
    if (this.inTransaction) this.#database.exec("ROLLBACK");
  }

  close(): void {
    this.#statements.clear();
    if (this.#database.isOpen) this.#database.close();
  }

  *#step(
    step: number,
    statement: PlainStatement,
    onRow: () => void,
  ): Generator<CursorEntryJson, void, undefined> {
    // The columns are known only when the first row is, or that there is none.
    const entries = this.#run(statement);
    let next = entries.next();
    const cols = next.done === true ? next.value.cols : columnsOf(this.#prepare(statement.sql));
    yield { type: "step_begin", step, cols };
    while (next.done !== true) {
      yield { type: "row", row: next.value };
      onRow();
      next = entries.next();
    }
    const { affected_row_count, last_insert_rowid } = next.value;
    yield { type: "step_end", affected_row_count, last_insert_rowid };
  }

  /** Runs one statement to its end, row by row. */
  *#run(plain: PlainStatement): Generator<SqlValueJson[], Omit<StatementResultJson, "rows">, undefined> {
    const statement = this.#prepare(plain.sql);
    const bound = argumentsOf(plain);
    const before = this.#count();
    const hasRows = plain.wantRows && statement.columns().length > 0;
    try {
      if (hasRows) {
        for (const row of statement.iterate(...bound))
          yield (row as unknown as SqlValue[]).map(encodeSqlValue);
      } else statement.run(...bound);
    } catch (error) {
      throw failureOf(error);
    }
    const after = this.#count();
    return {
      // A table may have been altered since the statement was prepared: what it has now is what it ran with.
      cols: hasRows ? columnsOf(statement) : [],
      affected_row_count: after.total === before.total ? 0 : after.changes,
      last_insert_rowid: after.rowid,
    };
  }

  #count(): { readonly changes: number; readonly total: bigint; readonly rowid: string } {
    const row = this.#counters.get() ?? {};
    const [changes, total, rowid] = Object.values(row).map((value) => BigInt(String(value)));
    return { changes: Number(changes ?? 0n), total: total ?? 0n, rowid: String(rowid ?? 0n) };
  }

  #prepare(sql: string): StatementSync {
    const kept = this.#statements.get(sql);
    if (kept !== undefined) return kept;
    this.#checkAllowed(sql);
    let statement: StatementSync;
    try {
      statement = this.#database.prepare(sql);
      const rest = sql.slice(statement.sourceSQL.length);
      if (!isNothing(rest)) {
        throw new SqlFailure("SQL_MANY_STATEMENTS", "SQL string contains more than one statement");
      }
    } catch (error) {
      if (isNothing(sql))
        throw new SqlFailure("SQL_NO_STATEMENT", "SQL string does not contain any statement");
      throw failureOf(error);
    }
    statement.setReadBigInts(true);
    statement.setReturnArrays(true);
    if (this.#statements.size >= KEPT_STATEMENTS) this.#statements.clear();
    this.#statements.set(sql, statement);
    return statement;
  }

  #checkAllowed(sql: string): void {
    const { refusal } = inspectSql(sql);
    if (refusal !== undefined) throw new SqlFailure("SQLITE_AUTH", refusal);
  }

  #checkSize(bytes: number): void {
    if (this.resultBytes + bytes <= this.#maxResultBytes) return;
    const message = `the results take more than ${this.#maxResultBytes} bytes; ask for less, or use a cursor`;
    throw new SqlFailure("RESPONSE_TOO_LARGE", message);
  }

  /** Readers of a file in WAL mode are kept waiting by nobody. Where it cannot be had, the file stays as it is. */
  #enterWalMode(): void {
    const [row] = this.#database.prepare("PRAGMA journal_mode").all();
    if (row?.["journal_mode"] === "wal") return;
    try {
      this.#database.exec("PRAGMA journal_mode=WAL");
    } catch (error) {
      if (failureOf(error).code !== "SQLITE_BUSY") throw error;
    }
  }
}

function columnsOf(statement: StatementSync): SqlColumnJson[] {
  return statement.columns().map(({ name, type }) => ({ name, decltype: type }));
}

function argumentsOf({ args, namedArgs }: PlainStatement): Parameters<StatementSync["run"]> {
  const anonymous = [...args] as (null | bigint | number | string | Uint8Array<ArrayBuffer>)[];
  if (namedArgs.length === 0) return anonymous as unknown as Parameters<StatementSync["run"]>;
  const named = Object.fromEntries(namedArgs.map(({ name, value }) => [name, value]));
  return [named, ...anonymous] as unknown as Parameters<StatementSync["run"]>;
}

function isNothing(sql: string): boolean {
  for (const { kind, text } of sqlTokens(sql)) if (kind !== "other" || text !== ";") return false;
  return true;
}

function isRepeatedColumn(sql: string, { message }: SqlFailure): boolean {
  return /^\s*alter\s+table\b/i.test(sql) && message.startsWith("duplicate column name");
}

function sizeOf(row: readonly SqlValueJson[]): number {
  let bytes = 2;
  for (const value of row) {
    bytes += 32;
    if (value.type === "text" || value.type === "integer") bytes += value.value.length;
    else if (value.type === "blob") bytes += value.base64.length;
  }
  return bytes;
}

/** What SQLite or its binding says, in the words of SQLite. */
function failureOf(error: unknown): SqlFailure {
  if (error instanceof SqlFailure) return error;
  if (!(error instanceof Error)) return new SqlFailure("UNKNOWN", String(error));
  const code = extendedCode(error);
  if (code !== undefined) return new SqlFailure(sqliteCodeName(code), error.message);
  // What the binding itself refuses are arguments.
  const isArgument = "code" in error && String(error.code).startsWith("ERR_INVALID_");
  return new SqlFailure(isArgument ? "BIND_ERROR" : "UNKNOWN", error.message);
}
