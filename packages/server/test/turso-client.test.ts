import { join } from "node:path";
import type { DatabaseSync } from "node:sqlite";
import type { Database, DatabaseOpts } from "@tursodatabase/sync";
import { describe, expect, it, onTestFinished } from "vitest";
import { syncHandler } from "../src/index.ts";
import { serveNode } from "../src/node/index.ts";
import { makeDatabase, serve, temporaryDirectory } from "./database-fixture.ts";

const ALL = "SELECT count(*) AS rows, sum(generation) AS sum, sum(length(filler)) AS length FROM t";

interface Remote {
  readonly url: string;
  /** Writes past the server. */
  readonly writer: DatabaseSync;
  commit(generation: number): void;
  /** Answers of the server so far. */
  requests: number;
  connect(options: Partial<DatabaseOpts>): Promise<Database>;
}

async function startRemote(): Promise<Remote> {
  const { path, writer, commit } = makeDatabase({ journal: "wal", rows: 3000 });
  const file = await serve(path, { history: { checkpointBytes: 200_000 } });
  const handler = syncHandler({ database: file });
  const server = await serveNode({
    handler: (request) => {
      remote.requests++;
      return handler(request);
    },
    port: 0,
    graceMs: 0,
  });
  onTestFinished(() => server.close());
  const remote: Remote = {
    url: server.url,
    writer,
    commit,
    requests: 0,
    connect: async (options) => {
      // It brings native code, so it is loaded only where it is used.
      const { connect } = await import("@tursodatabase/sync");
      const local = join(temporaryDirectory(), "local.db");
      const db = await connect({ path: local, url: server.url, ...options });
      onTestFinished(() => db.close());
      return db;
    },
  };
  return remote;
}

const all = async (db: Database, sql: string): Promise<unknown[]> => (await db.prepare(sql)).all();
const truth = ({ writer }: Remote, sql = ALL): unknown[] =>
  writer
    .prepare(sql)
    .all()
    .map((row) => ({ ...row }));

/** Partial replicas of that client need Linux. */
describe.runIf(process.platform === "linux")("@tursodatabase/sync, as it is published", () => {
  it("brings the whole database, and what changes", async () => {
    const remote = await startRemote();
    const db = await remote.connect({});
    expect(await all(db, ALL)).toEqual(truth(remote));
    expect(await db.pull()).toBe(false);
    remote.writer.exec("UPDATE t SET generation = 5 WHERE id % 500 = 0");
    const before = (await db.stats()).networkReceivedBytes;
    expect(await db.pull()).toBe(true);
    expect(await all(db, ALL)).toEqual(truth(remote));
    // Six leaves and page 1 at most, not all 340.
    expect((await db.stats()).networkReceivedBytes - before).toBeLessThan(8 * 4200);
  });

  it("follows the database as it shrinks", async () => {
    const remote = await startRemote();
    const db = await remote.connect({});
    remote.writer.exec("DELETE FROM t WHERE id > 50; VACUUM");
    expect(await db.pull()).toBe(true);
    expect(await all(db, ALL)).toEqual(truth(remote));
    expect(await all(db, "PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
  });

  it("brings a prefix, and the rest when it is read: as it was, whatever was committed since", async () => {
    const remote = await startRemote();
    const pinned = truth(remote);
    const db = await remote.connect({
      partialSyncExperimental: { bootstrapStrategy: { kind: "prefix", length: 65_536 }, segmentSize: 16_384 },
    });
    expect((await db.stats()).networkReceivedBytes).toBeLessThan(200_000);
    for (let generation = 1; generation <= 5; generation++) {
      remote.commit(generation);
      remote.writer.exec("PRAGMA wal_checkpoint");
    }
    expect(await all(db, ALL)).toEqual(pinned);
    expect(await db.pull()).toBe(true);
    expect(await all(db, ALL)).toEqual(truth(remote));
  });

  it("brings the pages of a query, which then costs nothing", async () => {
    const remote = await startRemote();
    const query = "SELECT filler FROM t WHERE id = 2222";
    const db = await remote.connect({
      partialSyncExperimental: { bootstrapStrategy: { kind: "query", query }, segmentSize: 4096 },
    });
    const { networkReceivedBytes: bytes } = await db.stats();
    expect(bytes).toBeLessThan(8 * 4200);
    expect(remote.requests).toBe(1);
    expect(await all(db, query)).toEqual(truth(remote, query));
    expect((await db.stats()).networkReceivedBytes).toBe(bytes);
    expect(remote.requests).toBe(1);
    expect(await all(db, ALL)).toEqual(truth(remote));
  });

  it("waits for a commit, and has it at once", async () => {
    const remote = await startRemote();
    const db = await remote.connect({ longPollTimeoutMs: 60_000 });
    const pulled = db.pull();
    // The request is on its way when the server has seen it.
    await expect.poll(() => remote.requests).toBe(2);
    remote.commit(9);
    expect(await pulled).toBe(true);
    expect(await all(db, ALL)).toEqual(truth(remote));
  });

  it("goes on where it was when the server was started again", async () => {
    const { path, writer, commit } = makeDatabase({ journal: "wal", rows: 500 });
    const { connect } = await import("@tursodatabase/sync");
    const local = join(temporaryDirectory(), "local.db");
    let url = "";
    const start = async (): Promise<() => Promise<void>> => {
      const file = await serve(path, { history: true });
      const server = await serveNode({ handler: syncHandler({ database: file }), port: 0, graceMs: 0 });
      ({ url } = server);
      return async () => {
        await server.close();
        await file.close();
      };
    };
    const stop = await start();
    const partialSyncExperimental = { bootstrapStrategy: { kind: "prefix", length: 8192 } } as const;
    const db = await connect({ path: local, url: () => url, partialSyncExperimental });
    onTestFinished(() => db.close());
    commit(1);
    await stop();
    const stopAgain = await start();
    onTestFinished(stopAgain);
    commit(2);
    expect(await all(db, "SELECT sum(generation) AS sum FROM t")).toEqual([{ sum: 0 }]);
    expect(await db.pull()).toBe(true);
    expect(await all(db, ALL)).toEqual(
      writer
        .prepare(ALL)
        .all()
        .map((row) => ({ ...row })),
    );
  });

  it("has sixteen handles at once, each at its own revision", async () => {
    const remote = await startRemote();
    const handles: { db: Database; pinned: unknown[] }[] = [];
    for (let generation = 1; generation <= 16; generation++) {
      remote.commit(generation);
      const pinned = truth(remote);
      const db = await remote.connect({
        partialSyncExperimental: {
          bootstrapStrategy: { kind: "prefix", length: 4096 * 8 },
          segmentSize: 131_072,
        },
      });
      handles.push({ db, pinned });
    }
    await Promise.all(
      handles.map(async ({ db, pinned }) => {
        expect(await all(db, ALL)).toEqual(pinned);
      }),
    );
    await Promise.all(handles.map(({ db }) => db.pull()));
    for (const { db } of handles) expect(await all(db, ALL)).toEqual(truth(remote));
  }, 60_000);
});
