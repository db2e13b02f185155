import { readFile } from "node:fs/promises";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { syncHandler } from "@lacuna/server";
import { openServedFile, serveNode } from "@lacuna/server/node";
import { publishDirectory } from "@lacuna/server/node/publish";

export interface ChangingRemote {
  /** Where the database is, by the kind of remote. */
  readonly urls: Readonly<Record<"static" | "published" | "sync-server", string>>;
  /** Writes to every row, and publishes the file anew: nothing of the state before is kept. */
  change(): Promise<void>;
  stop(): Promise<void>;
}

/** The rows of one state have one version. */
export const PEOPLE = 6000;
export const SCAN = "SELECT count(*) AS n, min(version) AS low, max(version) AS high FROM person";

/** A database that changes, on all kinds of remotes, which let pages of other origins in. */
export async function serveChanging(directory: string): Promise<ChangingRemote> {
  const path = join(directory, "data.db");
  const writer = new DatabaseSync(path);
  writer.exec(`PRAGMA synchronous = OFF;
    CREATE TABLE person(id INTEGER PRIMARY KEY, version INT, note TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${PEOPLE})
      INSERT INTO person SELECT i, 0, hex(randomblob(50)) FROM n;`);
  // With history readers and the writer do not keep each other out.
  const database = await openServedFile(path, { history: true });
  const server = await serveNode({ handler: syncHandler({ database }), port: 0 });
  const published = join(directory, "published");
  const publish = async (): Promise<void> => {
    const view = await database.open();
    await publishDirectory(view, published, { keep: 0, segmentBytes: 16_384 });
    await view.close();
  };
  await publish();
  const files = createServer(async (request, response) => {
    const bytes = await readFile(join(published, request.url ?? "")).catch(() => undefined);
    response.setHeader("access-control-allow-origin", "*");
    response.statusCode = bytes === undefined ? 404 : 200;
    response.end(bytes);
  });
  await new Promise<void>((resolve) => files.listen(0, "127.0.0.1", resolve));
  const { port } = files.address() as AddressInfo;
  return {
    urls: {
      static: `${server.url}/data.db`,
      published: `http://127.0.0.1:${port}/manifest.lacuna`,
      "sync-server": server.url,
    },
    async change() {
      writer.exec("UPDATE person SET version = version + 1");
      await publish();
    },
    async stop() {
      writer.close();
      files.closeAllConnections();
      files.close();
      await server.close();
      await database.close();
    },
  };
}
