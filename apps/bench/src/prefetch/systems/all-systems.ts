import { lacuna } from "./lacuna.ts";
import { sqlJsHttpvfs } from "./sql-js-httpvfs.ts";
import { sqliteWasmHttp } from "./sqlite-wasm-http.ts";
import type { NetworkSystem, System } from "./system.ts";
import { tursoSync, tursoSyncWithPrefetch } from "./turso.ts";

/** Lacuna as it is by default, and over the two other ways to reach pages. */
export const OUR_SYSTEMS: readonly NetworkSystem[] = [
  lacuna({ id: "lacuna", name: "Lacuna" }),
  lacuna({ id: "lacuna-compressed", name: "Lacuna, compressed pages", server: "compressed" }),
  lacuna({ id: "lacuna-static", name: "Lacuna, static host", remote: "static" }),
];

/** The same work by others. */
export const PEER_SYSTEMS: readonly System[] = [
  tursoSync(131_072),
  tursoSync(4096),
  tursoSyncWithPrefetch(),
  sqlJsHttpvfs,
  sqliteWasmHttp,
];

/** Lacuna with parts of it switched off. */
export const ABLATIONS: readonly NetworkSystem[] = [
  lacuna({ id: "without-run-ahead", name: "without run-ahead", runAhead: false }),
  lacuna({ id: "without-predictors", name: "run-ahead without predictors", prefetch: false }),
  lacuna({ id: "without-prefetch", name: "neither: segments", prefetch: false, runAhead: false }),
];
