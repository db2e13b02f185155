export { handlerAsFetch } from "./handler-as-fetch.ts";
export type { ServedDatabase, ServedView } from "./served-database.ts";
export { type Handler, type SyncHandlerOptions, syncHandler } from "./sync-handler.ts";
