import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { afterAll, onTestFinished } from "vitest";
import { handlerAsFetch, type SyncHandlerOptions, syncHandler } from "../src/index.ts";
import {
  openServedSql,
  type ServedSqlFile,
  type ServedSqlFileOptions,
  SqlProcessPool,
} from "../src/node/index.ts";
import { rowsAt, serve, temporaryDirectory } from "./database-fixture.ts";

/** An answer of SQL over HTTP, as loose as JSON is. */
export interface Answer {
  readonly baton?: string | null;
  readonly results?: readonly Result[];
  readonly code?: string;
  readonly message?: string;
}

export interface Result {
  readonly type: string;
  readonly error?: { readonly message: string; readonly code: string };
  readonly response?: {
    readonly type: string;
    readonly is_autocommit?: boolean;
    readonly result?: {
      readonly cols?: unknown;
      readonly params?: unknown;
      readonly rows?: readonly (readonly unknown[])[];
      readonly affected_row_count?: number;
      readonly last_insert_rowid?: string | null;
      readonly step_results?: readonly unknown[];
      readonly step_errors?: readonly unknown[];
    };
  };
}

export interface SqlServer {
  readonly path: string;
  readonly sql: ServedSqlFile;
  readonly fetch: typeof fetch;
  /** Posts a pipeline of requests. */
  pipeline(
    requests: readonly unknown[],
    options?: PostOptions,
  ): Promise<Answer & { readonly status: number }>;
  /** Posts a batch to `/v3/cursor`, and gives the lines. */
  cursor(steps: readonly unknown[], baton?: string | null): Promise<unknown[]>;
  /** Runs statements, each an `execute` of one pipeline. */
  run(...statements: string[]): Promise<readonly Result[]>;
  /** Rows of a query, read beside the server. */
  rows(sql: string): unknown[];
}

export interface PostOptions {
  readonly baton?: string | null | undefined;
  readonly version?: "v2" | "v3";
  readonly headers?: Record<string, string>;
  readonly signal?: AbortSignal;
}

export type SqlServerOptions = ServedSqlFileOptions &
  Partial<Omit<SyncHandlerOptions, "database" | "sql">> & { readonly setup?: string };

/** Starting a process takes longer than most tests: those of a file share some. */
const shared = new SqlProcessPool();
afterAll(() => shared.close());

/** A server of SQL over a database made by `setup`. */
export async function sqlServer(options: SqlServerOptions = {}): Promise<SqlServer> {
  const path = join(temporaryDirectory(), "app.db");
  const database = new DatabaseSync(path);
  database.exec(`PRAGMA journal_mode=WAL; ${options.setup ?? "CREATE TABLE t(id INTEGER PRIMARY KEY, v)"}`);
  database.close();
  const sql = openServedSql(path, { pool: shared, ...options });
  onTestFinished(() => sql.close());
  const server = handlerAsFetch(syncHandler({ ...options, database: await serve(path), sql }));
  const post = (to: string, body: unknown, { headers, signal }: PostOptions = {}): Promise<Response> =>
    server(`http://server${to}`, {
      method: "POST",
      headers: { "content-type": "application/json", ...headers },
      body: JSON.stringify(body),
      ...(signal === undefined ? {} : { signal }),
    });
  const pipeline: SqlServer["pipeline"] = async (requests, postOptions = {}) => {
    const { version = "v2", baton } = postOptions;
    const response = await post(`/${version}/pipeline`, { baton, requests }, postOptions);
    return { status: response.status, ...((await response.json()) as Answer) };
  };
  return {
    path,
    sql,
    fetch: server,
    pipeline,
    cursor: async (steps, baton = null) => {
      const response = await post("/v3/cursor", { baton, batch: { steps } });
      const text = await response.text();
      return text
        .trimEnd()
        .split("\n")
        .map((line): unknown => JSON.parse(line));
    },
    run: async (...statements) => {
      const { results, ...rest } = await pipeline(statements.map((text) => execute(text)));
      if (results === undefined) throw new Error(JSON.stringify(rest));
      return results;
    },
    rows: (text) => rowsAt(path, text),
  };
}

export const execute = (sql: string, ...args: unknown[]) => ({ type: "execute", stmt: { sql, args } });

/** SQL that never ends. */
export const ENDLESS =
  "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT count(*) FROM n";
