import type { PrefetchReason } from "lacuna";
import { lacuna } from "./lacuna.ts";
import { sqlJsHttpvfs } from "./sql-js-httpvfs.ts";
import { sqliteWasmHttp } from "./sqlite-wasm-http.ts";
import type { NetworkSystem, System } from "./system.ts";
import { tursoSync, tursoSyncWithPrefetch } from "./turso.ts";

/** Lacuna as it is by default, and over other ways to reach pages. */
export const OUR_SYSTEMS: readonly NetworkSystem[] = [
  lacuna({ id: "lacuna", name: "Lacuna" }),
  lacuna({ id: "lacuna-compressed", name: "Lacuna, compressed pages", server: "compressed" }),
  lacuna({ id: "lacuna-static", name: "Lacuna, static host", remote: "static" }),
  lacuna({
    id: "lacuna-static-single",
    name: "Lacuna, static host, one range a request",
    remote: "static",
    server: "single",
  }),
];

/** The same work by others. */
export const PEER_SYSTEMS: readonly System[] = [
  tursoSync(131_072),
  tursoSync(4096),
  tursoSyncWithPrefetch(),
  sqlJsHttpvfs,
  sqliteWasmHttp,
];

/** What prefetch consists of. */
const REASONS: readonly PrefetchReason[] = [
  "run-ahead",
  "scan",
  "index-rows",
  "children",
  "overflow",
  "history",
];

/** Lacuna with parts of prefetch switched off: each in turn, and all of them, which leaves segments of 128 KiB. */
export const ABLATIONS: readonly NetworkSystem[] = [
  ...REASONS.map((without) =>
    lacuna({
      id: `without-${without}`,
      name: `without ${without}`,
      partialSync: { prefetch: REASONS.filter((reason) => reason !== without) },
    }),
  ),
  lacuna({ id: "without-prefetch", name: "no prefetch, segments", partialSync: { prefetch: false } }),
];

/** @throws {Error} if there is none with this id */
export function systemOf(id: string): System {
  const system = [...OUR_SYSTEMS, ...PEER_SYSTEMS, ...ABLATIONS].find((one) => one.id === id);
  if (system === undefined) throw new Error(`BUG: there is no system ${id}`);
  return system;
}
