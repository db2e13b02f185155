export { type SyncServerOptions, syncServerTransport } from "./sync-server-transport.ts";
