import { connect, type PartialSyncOptions } from "lacuna";
import type { NetworkSystem, OpenSystem, ResultRow } from "./system.ts";

export interface LacunaOptions {
  readonly id: string;
  readonly name: string;
  /** @default "raw" */
  readonly server?: NetworkSystem["server"] | undefined;
  /** @default "sync-server" */
  readonly remote?: "sync-server" | "static" | undefined;
  /** @default the default options */
  readonly partialSync?: PartialSyncOptions | undefined;
  /** Fetched when the database is open, as part of opening. */
  readonly hydrate?: string | undefined;
  /** Added to the virtual clock, on which computing takes no time. Milliseconds. */
  readonly computingClock?: (() => number) | undefined;
}

/** Lacuna with a replica in memory. Every clock is given, so counts do not depend on the machine. */
export function lacuna(options: LacunaOptions): NetworkSystem {
  const {
    id,
    name,
    server = "raw",
    remote = "sync-server",
    partialSync = {},
    hydrate,
    computingClock,
  } = options;
  return {
    kind: "network",
    id,
    name,
    server,
    path: remote === "static" ? "file" : "server",
    open: async ({ url, fetch, now }) => {
      const clock = computingClock === undefined ? now : (): number => now() + computingClock();
      const db = await connect({ path: ":memory:", url, remote, fetch, now: clock, partialSync });
      if (hydrate !== undefined) await db.hydrate(hydrate);
      const system: OpenSystem = {
        all: async ({ sql, parameters = [] }) => {
          const statement = await db.prepare(sql);
          try {
            return await statement.raw().all<ResultRow>(...parameters);
          } finally {
            statement.finalize();
          }
        },
        stats: async () => {
          const { cache, sql } = await db.stats();
          return { cache, runAhead: sql.runAhead };
        },
        close: () => db.close(),
      };
      return system;
    },
  };
}
