import type { Transport } from "@lacuna/page";
import { predictors } from "@lacuna/prefetch";
import { openSqlite, type SqliteOptions } from "@lacuna/sqlite";
import { memoryStore } from "@lacuna/storage/memory";
import { openReplica, type PartialBootstrap, type ReplicaOptions } from "@lacuna/sync";
import { httpRangeTransport } from "@lacuna/transport/http-range";
import { syncServerTransport } from "@lacuna/transport/sync-server";
import type { NetworkSystem, OpenSystem, ResultRow } from "./system.ts";

const PREFIX: PartialBootstrap = { kind: "prefix", bytes: 131_072 };

export interface LacunaOptions {
  readonly id: string;
  readonly name: string;
  /** @default "raw" */
  readonly server?: NetworkSystem["server"] | undefined;
  /** @default "sync-server" */
  readonly remote?: "sync-server" | "static" | undefined;
  /** @default the first 128 KiB */
  readonly partial?: PartialBootstrap | undefined;
  readonly prefetch?: ReplicaOptions["prefetch"];
  readonly runAhead?: boolean | undefined;
  readonly timers?: SqliteOptions["timers"];
  /** A clock for running ahead instead of the virtual one, on which computing takes no time. */
  readonly scoutClock?: (() => number) | undefined;
}

/** What `connect` puts together for a replica in memory, with every clock given: counts do not depend on the machine. */
export function lacuna(options: LacunaOptions): NetworkSystem {
  const {
    id,
    name,
    server = "raw",
    remote,
    partial = PREFIX,
    prefetch = predictors,
    runAhead,
    timers,
    scoutClock,
  } = options;
  return {
    kind: "network",
    id,
    name,
    server,
    path: remote === "static" ? "file" : "server",
    open: async ({ url, fetch, now }) => {
      const transport: Transport =
        remote === "static"
          ? httpRangeTransport({ url, fetch, now })
          : syncServerTransport({ url, fetch, now });
      const replica = await openReplica({ store: memoryStore(), transport, partial, prefetch });
      const db = await openSqlite({ source: replica.pager, runAhead, timers, now: scoutClock ?? now });
      const system: OpenSystem = {
        all: async ({ sql, parameters = [] }) => {
          const statement = await db.prepare(sql);
          try {
            return await statement.raw().all<ResultRow>(...parameters);
          } finally {
            statement.finalize();
          }
        },
        stats: () => ({ cache: replica.stats().cache, runAhead: db.stats().runAhead }),
        close: async () => {
          await db.close();
          await replica.close();
        },
      };
      return system;
    },
  };
}
