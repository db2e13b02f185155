import type { SqlValueJson } from "./sql-value.ts";

/** The JSON of SQL over HTTP that a server sends. Names are those of the wire. */

export interface SqlErrorJson {
  /** SQLite's own words where SQLite refused. */
  readonly message: string;
  /** SQLite's name of the extended result code, such as `SQLITE_CONSTRAINT_UNIQUE`, or a word of the server's. */
  readonly code: string;
}

export interface SqlColumnJson {
  readonly name: string | null;
  readonly decltype: string | null;
}

export interface StatementResultJson {
  readonly cols: readonly SqlColumnJson[];
  readonly rows: readonly (readonly SqlValueJson[])[];
  readonly affected_row_count: number;
  /** Decimal; null for a statement that writes nothing. */
  readonly last_insert_rowid: string | null;
}

export interface BatchResultJson {
  /** Null for a step that was skipped or failed. */
  readonly step_results: readonly (StatementResultJson | null)[];
  /** Null for a step that was skipped or succeeded. */
  readonly step_errors: readonly (SqlErrorJson | null)[];
}

export interface DescribeResultJson {
  readonly params: readonly { readonly name: string | null }[];
  readonly cols: readonly SqlColumnJson[];
  readonly is_explain: boolean;
  readonly is_readonly: boolean;
}

export type SqlResponseJson =
  | { readonly type: "execute"; readonly result: StatementResultJson }
  | { readonly type: "batch"; readonly result: BatchResultJson }
  | { readonly type: "describe"; readonly result: DescribeResultJson }
  | { readonly type: "get_autocommit"; readonly is_autocommit: boolean }
  | { readonly type: "sequence" | "store_sql" | "close_sql" | "close" };

/** The result of one request of a pipeline. */
export type SqlResultJson =
  | { readonly type: "ok"; readonly response: SqlResponseJson }
  | { readonly type: "error"; readonly error: SqlErrorJson };

/** One line of the answer of `POST /v3/cursor`, after the first. */
export type CursorEntryJson =
  | { readonly type: "step_begin"; readonly step: number; readonly cols: readonly SqlColumnJson[] }
  | { readonly type: "row"; readonly row: readonly SqlValueJson[] }
  | {
      readonly type: "step_end";
      readonly affected_row_count: number;
      readonly last_insert_rowid: string | null;
    }
  | { readonly type: "step_error"; readonly step: number; readonly error: SqlErrorJson }
  | { readonly type: "error"; readonly error: SqlErrorJson };
