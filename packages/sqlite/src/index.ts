export type { BatchOptions, BatchResult, BatchStatement } from "./batch.ts";
export type { CapturedItem, CapturedRow, CapturedTransaction } from "./captured-transaction.ts";
export type { Column } from "./compiled-statement.ts";
export type { Commit } from "./connection-setup.ts";
export {
  openSqlite,
  type SqlCalls,
  type SqlDatabase,
  type SqlStats,
  type SqlTransaction,
} from "./database.ts";
export { canSuspend, type DriverChoice, type DriverName } from "./driver.ts";
export type { RunResult } from "./execution.ts";
export type { WasmSource } from "./load-wasm.ts";
export type { SqliteOptions } from "./options.ts";
export type { NamedParameters, Parameters, SqlValue } from "./parameters.ts";
export type { Timers } from "./reader-pool.ts";
export type { RowShape, SqlResult } from "./row-reader.ts";
export type { ScoutStats } from "./scout/scouts.ts";
export type { QueryBudget } from "./scout/spending.ts";
export type { Estimate } from "./scout/survey.ts";
export { SqlError, type SqlFacts } from "./sql-error.ts";
export { kindOfStatement, type StatementKind } from "./sql-text.ts";
export type { CallOptions, Row, SqlStatement } from "./statement.ts";
export type { TransactionFunction, TransactionMode } from "./transactions.ts";
