import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { handlerAsFetch, syncHandler } from "@lacuna/server";
import { openServedFile, openServedSql, SqlProcessPool } from "@lacuna/server/node";

/** What went over the wire: bytes are those of bodies. */
export interface Traffic {
  requests: number;
  sentBytes: number;
  receivedBytes: number;
}

/** A server of one database in this process, which takes writes. */
export interface BenchServer {
  readonly url: string;
  readonly fetch: typeof fetch;
  /** What was asked since it was opened, or since `reset`. */
  readonly traffic: Traffic;
  reset(): void;
  /** The database itself: what is written here is written past the server. */
  readonly database: DatabaseSync;
  close(): Promise<void>;
}

export async function openBenchServer(schema: string): Promise<BenchServer> {
  const directory = await mkdtemp(join(tmpdir(), "lacuna-bench-"));
  const path = join(directory, "remote.db");
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode=WAL; PRAGMA synchronous=OFF; ${schema}`);
  const served = await openServedFile(path, { history: true });
  const pool = new SqlProcessPool();
  const sql = openServedSql(path, { pool, onWrite: () => served.newest() });
  const answer = handlerAsFetch(syncHandler({ database: served, sql }));
  const traffic: Traffic = { requests: 0, sentBytes: 0, receivedBytes: 0 };
  return {
    url: "http://server",
    async fetch(input, init) {
      const request = new Request(input, init);
      traffic.requests++;
      traffic.sentBytes += (await request.clone().arrayBuffer()).byteLength;
      const response = await answer(request);
      const body = await response.arrayBuffer();
      traffic.receivedBytes += body.byteLength;
      return new Response(body, response);
    },
    traffic,
    reset: () => Object.assign(traffic, { requests: 0, sentBytes: 0, receivedBytes: 0 }),
    database,
    async close() {
      await sql.close();
      await pool.close();
      await served.close();
      database.close();
      await rm(directory, { recursive: true, force: true });
    },
  };
}
