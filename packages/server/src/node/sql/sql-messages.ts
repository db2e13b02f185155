import type { SqlCondition, SqlErrorJson, SqlValue } from "@lacuna/protocol";

/** A statement with its text found. */
export interface PlainStatement {
  readonly sql: string;
  readonly args: readonly SqlValue[];
  readonly namedArgs: readonly { readonly name: string; readonly value: SqlValue }[];
  readonly wantRows: boolean;
}

export interface PlainStep {
  readonly condition: SqlCondition | undefined;
  readonly statement: PlainStatement;
}

/** A request as the process gets it. What needs no SQLite is answered before. */
export type PlainRequest =
  | { readonly type: "execute"; readonly statement: PlainStatement }
  | { readonly type: "batch"; readonly steps: readonly PlainStep[] }
  | { readonly type: "sequence" | "describe"; readonly sql: string }
  | { readonly type: "get_autocommit" };

export interface OpenOptions {
  readonly path: string;
  readonly readOnly: boolean;
  /** How long to wait for a lock of another process, in milliseconds. */
  readonly busyTimeoutMs: number;
  /** What the results of one pipeline may take together, in bytes, about. */
  readonly maxResultBytes: number;
}

/** What is asked of a SQL process. It answers one question before it looks at the next. */
export type SqlQuestion =
  | { readonly kind: "open"; readonly options: OpenOptions }
  /** `resultBytes` is what earlier results of the same pipeline take. */
  | { readonly kind: "run"; readonly requests: readonly PlainRequest[]; readonly resultBytes: number }
  | { readonly kind: "cursor"; readonly steps: readonly PlainStep[] }
  /** Goes on with a cursor. */
  | { readonly kind: "more" }
  /** Ends a cursor, rolls back what is open, and lets the database go. */
  | { readonly kind: "end" };

/** What a SQL process says. */
export type SqlReport =
  /** One request of a `run` is done: the JSON of its result. */
  | { readonly kind: "result"; readonly json: string; readonly failed: boolean }
  /** Lines of a cursor, each with its line feed. The process waits for `more`, or for `end`. */
  | { readonly kind: "entries"; readonly lines: string }
  /** The question is answered. */
  | { readonly kind: "done"; readonly inTransaction: boolean }
  /** The question could not be answered at all. */
  | { readonly kind: "failed"; readonly error: SqlErrorJson };
