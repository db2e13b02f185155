export { withCompression } from "./compression.ts";
export type { HistoryOptions } from "./history-options.ts";
export { type NodeServer, type ServeNodeOptions, serveNode } from "./serve-node.ts";
export {
  openServedDirectory,
  type ServedDirectory,
  type ServedDirectoryOptions,
} from "./served-directory.ts";
export { openServedFile, type ServedFile, type ServedFileOptions } from "./served-file.ts";
export {
  openServedSql,
  type ServedSqlFile,
  type ServedSqlFileOptions,
} from "./sql/open-served-sql.ts";
export { SqlProcessPool, type SqlProcessPoolOptions } from "./sql/process-pool.ts";
