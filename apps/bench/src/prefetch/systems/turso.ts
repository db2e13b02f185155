import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { DatabaseOpts } from "@tursodatabase/sync";
import type { NetworkSystem, OpenSystem, ResultRow, SerialSystem } from "./system.ts";

const PREFIX = { kind: "prefix", length: 131_072 } as const;

type PartialSync = NonNullable<DatabaseOpts["partialSyncExperimental"]>;

async function open(fetch: typeof globalThis.fetch, url: string, partial: PartialSync): Promise<OpenSystem> {
  // It brings native code, so it is loaded only where it is used.
  const { connect } = await import("@tursodatabase/sync");
  const directory = await mkdtemp(join(tmpdir(), "lacuna-bench-"));
  const db = await connect({
    path: join(directory, "local.db"),
    url,
    fetch: fetch as NonNullable<DatabaseOpts["fetch"]>,
    partialSyncExperimental: partial,
  });
  return {
    all: async ({ sql, parameters = [] }) => {
      const statement = await db.prepare(sql);
      return (await statement.raw(true).all(...parameters)) as ResultRow[];
    },
    close: async () => {
      await db.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}

/** `@tursodatabase/sync` without its prefetch: one request after the other, each for a segment. */
export function tursoSync(segmentSize: number): SerialSystem {
  return {
    kind: "serial",
    id: `turso-${segmentSize / 1024}k`,
    name: `@tursodatabase/sync, ${segmentSize / 1024} KiB`,
    open: ({ handler, log }) =>
      open(log.fetchOf(handler), "http://simulated.test", { bootstrapStrategy: PREFIX, segmentSize }),
  };
}

/** The same with its prefetch, which asks for several things at once. */
export function tursoSyncWithPrefetch(): NetworkSystem {
  return {
    kind: "network",
    id: "turso-prefetch",
    name: "@tursodatabase/sync, prefetch",
    server: "raw",
    path: "server",
    open: ({ url, fetch }) =>
      open(fetch, url, { bootstrapStrategy: PREFIX, segmentSize: 131_072, prefetch: true }),
  };
}
