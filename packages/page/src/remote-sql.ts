/** A SQL value: NULL, INTEGER as `bigint`, REAL as `number`, TEXT, BLOB. */
export type SqlValue = null | bigint | number | string | Uint8Array;

/** A statement that a remote is to run. */
export interface RemoteStatement {
  readonly sql: string;
  /** Positional arguments. */
  readonly args?: readonly SqlValue[] | undefined;
  /** Arguments by name, with the sign in front. */
  readonly namedArgs?: readonly { readonly name: string; readonly value: SqlValue }[] | undefined;
  /**
   * Whether rows and columns are wanted.
   * @default false
   */
  readonly wantRows?: boolean | undefined;
}

/** When a step of a batch is run. Steps count from 0. */
export type SqlCondition =
  | { readonly type: "ok"; readonly step: number }
  | { readonly type: "error"; readonly step: number }
  | { readonly type: "not"; readonly cond: SqlCondition }
  | { readonly type: "and"; readonly conds: readonly SqlCondition[] }
  | { readonly type: "or"; readonly conds: readonly SqlCondition[] }
  | { readonly type: "is_autocommit" };

/** One step of a batch. A step whose condition does not hold is skipped. */
export interface RemoteStep extends RemoteStatement {
  /** Absent: always. */
  readonly condition?: SqlCondition | undefined;
}

/** What a remote is to do, on one connection. */
export type RemoteRequest =
  | { readonly type: "execute"; readonly statement: RemoteStatement }
  | { readonly type: "batch"; readonly steps: readonly RemoteStep[] }
  | { readonly type: "sequence"; readonly sql: string }
  | { readonly type: "get_autocommit" }
  | { readonly type: "close" };

/** Requests that are answered together. */
export interface RemotePipeline {
  /** Names the connection to go on with, and its transaction; absent for a new one. */
  readonly baton?: string | undefined;
  readonly requests: readonly RemoteRequest[];
}

export interface RemoteColumn {
  readonly name: string;
  readonly declaredType: string | undefined;
}

/** What running a statement gave. */
export interface RemoteRows {
  readonly columns: readonly RemoteColumn[];
  readonly rows: readonly (readonly SqlValue[])[];
  readonly affectedRows: number;
  readonly lastInsertRowid: bigint | undefined;
}

/** What a remote's SQL refused. */
export interface RemoteSqlError {
  /** SQLite's own words, where SQLite refused. */
  readonly message: string;
  /** A word of the remote's, often SQLite's name of the result code. */
  readonly code: string;
}

/** What became of a step: `undefined` for one that was skipped. */
export type RemoteStepResult =
  | { readonly ok: RemoteRows; readonly error?: undefined }
  | { readonly ok?: undefined; readonly error: RemoteSqlError };

/** What became of a request. */
export type RemoteResult =
  | { readonly type: "execute"; readonly result: RemoteRows }
  | { readonly type: "batch"; readonly steps: readonly (RemoteStepResult | undefined)[] }
  | { readonly type: "get_autocommit"; readonly isAutocommit: boolean }
  | { readonly type: "sequence" | "close" }
  | { readonly type: "error"; readonly error: RemoteSqlError };

export interface RemoteAnswer {
  /** Names the connection to go on with; absent where it has ended. */
  readonly baton: string | undefined;
  /** One for each request, in their order. */
  readonly results: readonly RemoteResult[];
}
