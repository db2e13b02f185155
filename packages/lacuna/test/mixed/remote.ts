import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { syncHandler } from "@lacuna/server";
import { openServedFile, openServedSql, type ServedFile, serveNode } from "@lacuna/server/node";
import { onTestFinished } from "vitest";
import { SCHEMA } from "../commit-model.ts";

export interface Remote {
  readonly path: string;
  readonly directory: string;
  readonly url: string;
  readonly file: ServedFile;
  /** What the server could not do. */
  readonly errors: unknown[];
}

export async function startRemote(): Promise<Remote> {
  const directory = mkdtempSync(join(tmpdir(), "lacuna-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "app.db");
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode=WAL; ${SCHEMA}`);
  database.close();
  const errors: unknown[] = [];
  const onError = (error: unknown): unknown => errors.push(error);
  const file = await openServedFile(path, { history: { checkpointBytes: 200_000, retentionBytes: 1e9 } });
  onTestFinished(() => file.close());
  const sql = openServedSql(path, { onWrite: () => file.newest(), onError, busyTimeoutMs: 20_000 });
  onTestFinished(() => sql.close());
  const handler = syncHandler({ database: file, sql, onError });
  const server = await serveNode({ handler, port: 0, graceMs: 0 });
  onTestFinished(() => server.close());
  return { path, directory, url: server.url, file, errors };
}
