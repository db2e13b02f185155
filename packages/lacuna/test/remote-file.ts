import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { handlerAsFetch, syncHandler } from "@lacuna/server";
import { openServedFile } from "@lacuna/server/node";

/** A database served in this process, a directory for replicas, and a wire whose requests a test may answer itself. */
export interface RemoteFile {
  /** Where replicas may lie. */
  readonly directory: string;
  /** A connection that writes to the served database, and is the authority on its answers. */
  readonly authority: DatabaseSync;
  readonly syncUrl: string;
  readonly staticUrl: string;
  /** Reaches the server, through `intercept` if there is one. */
  readonly fetch: typeof fetch;
  /** Requests sent so far. */
  requests: number;
  /** Answers in place of the server, or passes the request on. */
  intercept: ((request: Request, pass: () => Promise<Response>) => Promise<Response>) | undefined;
  close(): Promise<void>;
}

const SCHEMA = `
  CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT, note TEXT);
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 4000)
  INSERT INTO person SELECT i, 'name ' || (i * 7919 % 4000), printf('%.*c', 200, 'n') FROM n;
  CREATE INDEX person_name ON person (name);
  CREATE TABLE tag (word TEXT PRIMARY KEY, uses INT) WITHOUT ROWID;
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
  INSERT INTO tag SELECT 'tag' || i, i FROM n;
  CREATE TABLE blob (id INTEGER PRIMARY KEY, bytes BLOB);
  INSERT INTO blob VALUES (1, randomblob(100000)), (2, zeroblob(5000));
`;

/** Starts the server; `sql` runs on the database before. */
export async function serveRemoteFile(sql = ""): Promise<RemoteFile> {
  const directory = await mkdtemp(join(tmpdir(), "lacuna-"));
  const file = join(directory, "remote.db");
  const authority = new DatabaseSync(file);
  authority.exec(SCHEMA);
  if (sql !== "") authority.exec(sql);
  const served = await openServedFile(file);
  const direct = handlerAsFetch(syncHandler({ database: served }));
  const remote: RemoteFile = {
    directory,
    authority,
    syncUrl: "http://server",
    staticUrl: "http://server/remote.db",
    requests: 0,
    intercept: undefined,
    async fetch(input, init) {
      remote.requests++;
      const pass = (): Promise<Response> => direct(input, init);
      return remote.intercept === undefined ? pass() : remote.intercept(new Request(input, init), pass);
    },
    async close() {
      await served.close();
      authority.close();
      await rm(directory, { recursive: true });
    },
  };
  return remote;
}
