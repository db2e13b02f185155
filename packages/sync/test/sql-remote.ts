import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import type { SyncTransport } from "@lacuna/page";
import { handlerAsFetch, syncHandler } from "@lacuna/server";
import { openServedFile, openServedSql, SqlProcessPool } from "@lacuna/server/node";
import { syncServerTransport } from "@lacuna/transport/sync-server";
import { afterAll, onTestFinished } from "vitest";

/** A server with SQL in this process, and a wire that a test may tamper with. */
export interface SqlRemote {
  readonly path: string;
  /** What was asked so far, as the last part of the path. */
  readonly asked: string[];
  /** Takes the place of the wire: answers, or passes the request on. */
  intercept: ((request: Request, pass: () => Promise<Response>) => Promise<Response>) | undefined;
  readonly fetch: typeof fetch;
  transport(): SyncTransport;
  /** Writes past the server. */
  exec(sql: string): void;
  rows(sql: string): unknown[][];
}

const pool = new SqlProcessPool();
afterAll(() => pool.close());

export async function sqlRemote(setUp: string): Promise<SqlRemote> {
  const directory = mkdtempSync(join(tmpdir(), "lacuna-sync-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "app.db");
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA journal_mode=WAL; ${setUp}`);
  const database = await openServedFile(path, { history: true });
  onTestFinished(async () => {
    await database.close();
    db.close();
  });
  const sql = openServedSql(path, { pool, onWrite: () => database.newest() });
  onTestFinished(() => sql.close());
  const direct = handlerAsFetch(syncHandler({ database, sql }));
  const remote: SqlRemote = {
    path,
    asked: [],
    intercept: undefined,
    async fetch(input, init) {
      const request = new Request(input, init);
      remote.asked.push(new URL(request.url).pathname.split("/").at(-1) ?? "");
      const pass = (): Promise<Response> => direct(input, init);
      return remote.intercept === undefined ? pass() : remote.intercept(request, pass);
    },
    transport: () => syncServerTransport({ url: "http://server", fetch: remote.fetch }),
    exec: (text) => db.exec(text),
    rows: (text) =>
      db
        .prepare(text)
        .all()
        .map((row) => Object.values(row)),
  };
  return remote;
}
