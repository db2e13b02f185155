/** In a module of its own, so that what comes with it is loaded where there is a sync server, and is only what reading takes. */
export { syncServerPages } from "@lacuna/transport/sync-server";
