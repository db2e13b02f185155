import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { Transport } from "@lacuna/page";
import { handlerAsFetch, syncHandler } from "@lacuna/server";
import { openServedFile, type ServedFile } from "@lacuna/server/node";
import { syncServerTransport } from "@lacuna/transport/sync-server";

/** A database file served in this process, with a connection that writes to it and a wire that can be cut. */
export interface Remote {
  readonly writer: DatabaseSync;
  /** A new transport to the server. */
  transport(): Transport;
  /** Requests that reached the wire so far. */
  readonly requests: number;
  /** While true, every request fails as if the network were gone. */
  offline: boolean;
  close(): Promise<void>;
}

/** A server over a new database of about `rows / 3` pages of 4 KiB. */
export async function startRemote(rows = 300): Promise<Remote> {
  const directory = await mkdtemp(join(tmpdir(), "lacuna-sync-"));
  const file = join(directory, "remote.db");
  const writer = new DatabaseSync(file);
  writer.exec(`
    CREATE TABLE item (id INTEGER PRIMARY KEY, body TEXT);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${rows})
    INSERT INTO item SELECT i, printf('%.*c', 1200, 'x') FROM n;
  `);
  const served: ServedFile = await openServedFile(file);
  const direct = handlerAsFetch(syncHandler({ database: served }));
  const remote = {
    writer,
    requests: 0,
    offline: false,
    transport: () => syncServerTransport({ url: "http://server", fetch: wire }),
    async close(): Promise<void> {
      await served.close();
      writer.close();
      await rm(directory, { recursive: true });
    },
  };
  const wire: typeof fetch = async (input, init) => {
    remote.requests++;
    if (remote.offline) throw new TypeError("the network is down");
    return direct(input, init);
  };
  return remote;
}
