import { isLacunaError, LacunaError } from "@lacuna/page";
import type { Engine } from "./engine.ts";

/** What SQLite said about a statement it refused. */
export interface SqlFacts {
  /** SQLite's extended result code, such as 2067. */
  readonly resultCode: number;
  /** Its name, such as `"SQLITE_CONSTRAINT_UNIQUE"`. */
  readonly sqliteCode: string;
  /** Where in the statement the error is, in UTF-16 code units from its start, if SQLite can tell. */
  readonly sqlOffset?: number | undefined;
  readonly cause?: unknown;
}

/** SQLite refused a statement. The message is SQLite's own. */
export class SqlError extends LacunaError {
  declare readonly code: "SQL";
  readonly resultCode: number;
  readonly sqliteCode: string;
  readonly sqlOffset: number | undefined;

  constructor(message: string, facts: SqlFacts) {
    super("SQL", message, { cause: facts.cause });
    this.resultCode = facts.resultCode;
    this.sqliteCode = facts.sqliteCode;
    this.sqlOffset = facts.sqlOffset;
  }
}

/** The error of the call that just failed on `db`. */
export function sqlErrorOf(engine: Engine, db: number, result: number, sql?: string): SqlError {
  const { sqlite, heap } = engine;
  const reported = db === 0 ? result : sqlite.sqlite3_extended_errcode(db);
  // An earlier failure of the same connection must not lend its text to this one.
  const sameFailure = (reported & 0xff) === (result & 0xff);
  const resultCode = sameFailure ? reported : result;
  const text = sameFailure && db !== 0 ? sqlite.sqlite3_errmsg(db) : sqlite.sqlite3_errstr(result);
  const byteOffset = sameFailure && db !== 0 && sql !== undefined ? sqlite.sqlite3_error_offset(db) : -1;
  return new SqlError(heap.cString(text) ?? "unknown error", {
    resultCode,
    sqliteCode: codeName(engine, resultCode),
    sqlOffset: byteOffset < 0 || sql === undefined ? undefined : unitsBefore(sql, byteOffset),
  });
}

let names: ReadonlyMap<number, string> | undefined;

/** SQLite's own list of its codes, which the official build carries as JSON. */
function codeName(engine: Engine, code: number): string {
  if (names === undefined) {
    const json = JSON.parse(engine.heap.cString(engine.sqlite.sqlite3__wasm_enum_json()) ?? "{}") as {
      readonly resultCodes?: Readonly<Record<string, number>>;
    };
    names = new Map(Object.entries(json.resultCodes ?? {}).map(([name, value]) => [value, name]));
  }
  return names.get(code) ?? names.get(code & 0xff) ?? `SQLITE_${code}`;
}

/** How many UTF-16 code units of `sql` lie before a byte of its UTF-8 form. */
function unitsBefore(sql: string, bytes: number): number {
  return new TextDecoder().decode(new TextEncoder().encode(sql).subarray(0, bytes)).length;
}

/** WebAssembly itself failed, unless the cause is an error of ours. */
export function stoppedError(cause: unknown): LacunaError {
  if (isLacunaError(cause)) return cause;
  return new SqlError(`SQLite stopped: ${cause instanceof Error ? cause.message : String(cause)}`, {
    resultCode: 2,
    sqliteCode: "SQLITE_INTERNAL",
    cause,
  });
}
