import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { handlerAsFetch, syncHandler } from "@lacuna/server";
import { openServedFile, openServedSql, SqlProcessPool, serveNode } from "@lacuna/server/node";
import { afterAll, onTestFinished } from "vitest";
import { type ConnectOptions, connect, type Database } from "../src/index.ts";

/** A database on a server that takes writes, in this process, and replicas of it. */
export interface SyncRemote {
  readonly directory: string;
  /** What was asked so far, as the last part of the path. */
  readonly asked: string[];
  /** Body bytes of answers so far. */
  receivedBytes: number;
  /** While true, every request fails as if the network were gone. */
  offline: boolean;
  /** Takes the place of the wire: answers, or passes the request on. */
  intercept: ((request: Request, pass: () => Promise<Response>) => Promise<Response>) | undefined;
  readonly fetch: typeof fetch;
  /** Opens a replica, in memory unless it is given a path. */
  replica(options?: Partial<ConnectOptions>): Promise<Database>;
  /** Writes past the server. */
  exec(sql: string): void;
  rows(sql: string): unknown[][];
  /** Its address on the network of this machine, for clients of other makes. */
  listen(): Promise<string>;
}

const pool = new SqlProcessPool();
afterAll(() => pool.close());

export async function syncRemote(
  setUp: string,
  history: boolean | { retentionMs?: number } = true,
): Promise<SyncRemote> {
  const directory = mkdtempSync(join(tmpdir(), "lacuna-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "app.db");
  const db = new DatabaseSync(path, { enableForeignKeyConstraints: false });
  db.exec(`PRAGMA journal_mode=WAL; ${setUp}`);
  const database = await openServedFile(path, { history });
  onTestFinished(async () => {
    await database.close();
    db.close();
  });
  const sql = openServedSql(path, { pool, onWrite: () => database.newest() });
  onTestFinished(() => sql.close());
  const handler = syncHandler({ database, sql });
  const direct = handlerAsFetch(handler);
  const remote: SyncRemote = {
    directory,
    asked: [],
    receivedBytes: 0,
    offline: false,
    intercept: undefined,
    async fetch(input, init) {
      const request = new Request(input, init);
      remote.asked.push(new URL(request.url).pathname.split("/").at(-1) ?? "");
      if (remote.offline) throw new TypeError("the network is down");
      const pass = async (): Promise<Response> => direct(input, init);
      return remote.intercept === undefined ? pass() : remote.intercept(request, pass);
    },
    async replica(options = {}) {
      const replica = await connect({
        path: ":memory:",
        url: "http://server",
        remote: "sync-server",
        fetch: remote.fetch,
        attempts: 1,
        ...options,
      });
      onTestFinished(() => replica.close());
      return replica;
    },
    exec: (text) => db.exec(text),
    rows: (text) =>
      db
        .prepare(text)
        .all()
        .map((row) => Object.values(row)),
    async listen() {
      const server = await serveNode({ handler, port: 0, graceMs: 0 });
      onTestFinished(() => server.close());
      return server.url;
    },
  };
  return remote;
}

/** The rows of a query as arrays. */
export async function rowsOf(db: Database, sql: string): Promise<unknown[][]> {
  return (await db.prepare(sql)).raw().all<unknown[]>();
}
