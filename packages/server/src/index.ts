export { type Access, type AccessToken, parseAccessTokens } from "./bearer.ts";
export { handlerAsFetch } from "./handler-as-fetch.ts";
export { isDatabaseName } from "./host/database-name.ts";
export {
  type DatabaseLoan,
  type DatabaseSet,
  type HostHandlerOptions,
  hostHandler,
  type OperationsOptions,
  withOperations,
} from "./host/host-handler.ts";
export { Metrics } from "./host/metrics.ts";
export { type RequestRecord, withRequestRecords } from "./host/request-records.ts";
export type { QueryOptions } from "./query-limits.ts";
export type {
  OpenOptions,
  ServedDatabase,
  ServedView,
  ViewReadOptions,
  WaitOptions,
} from "./served-database.ts";
export type { CursorAnswer, PipelineAnswer, ServedSql, SqlCallOptions } from "./sql/served-sql.ts";
export { type Handler, type SyncHandlerOptions, syncHandler } from "./sync-handler.ts";
