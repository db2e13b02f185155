export { isLacunaError, LacunaError, type LacunaErrorCode } from "@lacuna/page";
export {
  type BatchOptions,
  type BatchResult,
  type BatchStatement,
  type CallOptions,
  type Estimate,
  type Parameters as SqlParameters,
  type Row,
  type RunResult,
  type SqlCalls,
  SqlError,
  type SqlStatement as Statement,
  type SqlTransaction as Transaction,
  type SqlValue,
  type TransactionFunction,
  type TransactionMode,
} from "@lacuna/sqlite";
export {
  ChangeError,
  type ChangeId,
  type DatabaseRowMutation,
  type DatabaseRowStatement,
  type DatabaseRowTransformResult,
  type PendingChange,
  type Progress,
  type Transform,
} from "@lacuna/sync";
export {
  type RetryFetchOptions,
  type RetryFetchOptions as RetryFetchOpts,
  retryFetch,
} from "@lacuna/transport";
export { connect, Database } from "./database.ts";
export type { DatabaseStats } from "./database-stats.ts";
export type { DatabaseEvents } from "./events.ts";
export type { DatabaseHealth } from "./health.ts";
export type { HydrateOptions } from "./hydrate-query.ts";
export type {
  BootstrapStrategy,
  ConnectOptions,
  ConnectOptions as DatabaseOpts,
  PagesEvent,
  PartialSyncOptions,
  PrefetchReason,
} from "./options.ts";
export type * from "./reader/names.ts";
export { open } from "./reader/open-with-files.ts";
export type {
  RemoteEncryptionOptions,
  RemoteEncryptionOptions as EncryptionOpts,
  RemoteOptions,
} from "./remote-options.ts";
export type { StorageFacts, StorageOptions } from "./storage-options.ts";
