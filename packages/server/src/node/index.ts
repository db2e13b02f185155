export type { HistoryOptions } from "./history-options.ts";
export { type NodeServer, type ServeNodeOptions, serveNode } from "./serve-node.ts";
export { openServedFile, type ServedFile, type ServedFileOptions } from "./served-file.ts";
