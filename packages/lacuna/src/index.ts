export { isLacunaError, LacunaError, type LacunaErrorCode } from "@lacuna/page";
export {
  type CallOptions,
  type Parameters as SqlParameters,
  type Row,
  type RunResult,
  type SqlCalls,
  SqlError,
  type SqlStatement as Statement,
  type SqlValue,
} from "@lacuna/sqlite";
export type { Progress } from "@lacuna/sync";
export { type RetryFetchOptions, retryFetch } from "@lacuna/transport";
export { connect, Database } from "./database.ts";
export type { DatabaseStats } from "./database-stats.ts";
export type {
  BootstrapStrategy,
  ConnectOptions,
  PagesEvent,
  PartialSyncOptions,
} from "./options.ts";
export type * from "./reader/names.ts";
export { open } from "./reader/open-with-files.ts";
export type { RemoteEncryptionOptions, RemoteOptions } from "./remote-options.ts";
