export { type SyncServerOptions, syncServerPages } from "./sync-server-pages.ts";
export { syncServerTransport } from "./sync-server-transport.ts";
