import { fork } from "node:child_process";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { LacunaError } from "@lacuna/page";
import { describe, expect, it, onTestFinished } from "vitest";
import { SqlProcessPool, type SqlProcessPoolOptions } from "../src/node/index.ts";
import { WaitingLine } from "../src/node/sql/waiting-line.ts";
import { ENDLESS, execute, sqlServer } from "./sql-fixture.ts";

const COUNT = "SELECT count(*) FROM t";
const INSERT = "INSERT INTO t(v) VALUES (1)";

function poolOf(options: SqlProcessPoolOptions): SqlProcessPool {
  const pool = new SqlProcessPool(options);
  onTestFinished(() => pool.close());
  return pool;
}

describe("a stream", () => {
  it("keeps its transaction from request to request, and nobody else sees it", async () => {
    const server = await sqlServer();
    const begun = await server.pipeline([execute("BEGIN"), execute(INSERT)], { version: "v3" });
    expect(begun.baton).toEqual(expect.any(String));
    const count = (results: typeof begun.results) => results?.[0]?.response?.result?.rows;
    expect(count(await server.run(COUNT))).toEqual([[{ type: "integer", value: "0" }]]);
    const { baton, results } = await server.pipeline([execute(COUNT)], { baton: begun.baton });
    expect(count(results)).toEqual([[{ type: "integer", value: "1" }]]);
    expect(baton).not.toBe(begun.baton);
    const ended = await server.pipeline([execute("COMMIT")], { baton });
    expect(ended.baton).toBeNull();
    expect(count(await server.run(COUNT))).toEqual([[{ type: "integer", value: "1" }]]);
    expect(server.sql.openStreams).toBe(0);
  });

  it("goes on over cursors, and ends with a close", async () => {
    const server = await sqlServer();
    const { baton } = await server.pipeline([{ type: "sequence", sql: "BEGIN IMMEDIATE" }], {
      version: "v3",
    });
    const [first] = await server.cursor([{ stmt: { sql: INSERT } }], baton);
    const next = (first as { baton: string }).baton;
    const closed = await server.pipeline([{ type: "sequence", sql: "COMMIT" }, { type: "close" }], {
      baton: next,
    });
    expect(closed).toMatchObject({ status: 200, baton: null });
    expect(server.rows(COUNT)).toEqual([[1]]);
    expect(server.sql.openStreams).toBe(0);
  });

  it("that was closed is rolled back", async () => {
    const server = await sqlServer();
    const { baton } = await server.pipeline([execute("BEGIN"), execute(INSERT)]);
    await server.pipeline([{ type: "close" }], { baton });
    expect(server.rows(COUNT)).toEqual([[0]]);
    expect(server.sql.openStreams).toBe(0);
  });

  it("that nobody goes on with is rolled back, and its baton is worth nothing", async () => {
    const server = await sqlServer({ streamIdleMs: 20 });
    const { baton } = await server.pipeline([execute("BEGIN"), execute(INSERT)]);
    // The writer behind it gets its turn when the time is over.
    expect(await server.run(INSERT)).toMatchObject([{ type: "ok" }]);
    expect(server.rows(COUNT)).toEqual([[1]]);
    expect(await server.pipeline([execute(COUNT)], { baton })).toMatchObject({
      status: 400,
      code: "STREAM_EXPIRED",
    });
    expect(await server.pipeline([{ type: "close" }], { baton })).toMatchObject({ status: 200, baton: null });
  });

  it("is not begun by a pipeline that fails: that one is rolled back at its end", async () => {
    const server = await sqlServer();
    const { baton } = await server.pipeline([execute("BEGIN"), execute(INSERT), execute("SELECT nothing")]);
    expect(baton).toBeNull();
    expect(server.sql.openStreams).toBe(0);
    expect(await server.run(INSERT)).toMatchObject([{ type: "ok" }]);
    expect(server.rows(COUNT)).toEqual([[1]]);
  });

  it("is nobody else's: garbage, used and foreign batons are refused", async () => {
    const server = await sqlServer({ authToken: ["writer", { token: "reader", access: "read" }] });
    const as = (token: string) => ({ authorization: `Bearer ${token}` });
    const { baton } = await server.pipeline([execute("BEGIN")], { headers: as("writer") });
    const refused = { status: 400, code: "STREAM_EXPIRED" };
    expect(await server.pipeline([execute(COUNT)], { baton, headers: as("reader") })).toMatchObject(refused);
    expect(await server.pipeline([execute(COUNT)], { baton: "x", headers: as("writer") })).toMatchObject(
      refused,
    );
    const next = await server.pipeline([execute(COUNT)], { baton, headers: as("writer") });
    expect(await server.pipeline([execute(COUNT)], { baton, headers: as("writer") })).toMatchObject(refused);
    await server.pipeline([{ type: "close" }], { baton: next.baton, headers: as("writer") });
  });

  it("leaves no setting behind for the next one", async () => {
    const server = await sqlServer();
    await server.run("CREATE TEMP TABLE mine(a)", "PRAGMA foreign_keys = on", "PRAGMA query_only = on");
    const results = await server.run("SELECT * FROM mine", "PRAGMA foreign_keys", INSERT, "SELECT changes()");
    expect(results[0]?.error?.message).toBe("no such table: mine");
    expect(results[1]?.response?.result?.rows).toEqual([[{ type: "integer", value: "0" }]]);
    expect(results[2]?.type).toBe("ok");
  });
});

describe("writers", () => {
  it("take turns in the order they came, and readers wait for none of them", async () => {
    const server = await sqlServer();
    const { baton } = await server.pipeline([execute("BEGIN IMMEDIATE")]);
    const order: number[] = [];
    const writers = [1, 2, 3].map(async (number) => {
      const [result] = await server.run(`INSERT INTO t(v) VALUES (${number})`);
      expect(result?.type).toBe("ok");
      order.push(number);
    });
    expect(await server.run(COUNT)).toMatchObject([{ type: "ok" }]);
    expect(order).toEqual([]);
    await server.pipeline([execute("COMMIT")], { baton });
    await Promise.all(writers);
    expect(server.rows("SELECT v FROM t ORDER BY id")).toEqual([[1], [2], [3]]);
  });

  it("that wait too long are told to come again", async () => {
    const server = await sqlServer({ waitMs: 10 });
    const { baton } = await server.pipeline([execute("BEGIN")]);
    expect(await server.pipeline([execute(INSERT)])).toMatchObject({ status: 503, code: "BUSY" });
    await server.pipeline([{ type: "close" }], { baton });
    expect(await server.run(INSERT)).toMatchObject([{ type: "ok" }]);
  });

  it("wait for another program that writes, and are told if it does not end", async () => {
    const server = await sqlServer({ busyTimeoutMs: 10 });
    const { DatabaseSync } = await import("node:sqlite");
    const other = new DatabaseSync(server.path);
    onTestFinished(() => other.close());
    other.exec("BEGIN IMMEDIATE");
    const [result] = await server.run(INSERT);
    expect(result?.error).toEqual({ message: "database is locked", code: "SQLITE_BUSY" });
    expect(await server.run(COUNT)).toMatchObject([{ type: "ok" }]);
    other.exec("COMMIT");
    expect(await server.run(INSERT)).toMatchObject([{ type: "ok" }]);
  });

  it("are told of their commit after the server has taken note of it", async () => {
    const seen: unknown[] = [];
    const server = await sqlServer({
      onWrite: async () => {
        await sleep(1);
        seen.push(server.rows(COUNT));
      },
    });
    await server.run(COUNT);
    expect(seen).toEqual([]);
    await server.run(INSERT);
    expect(seen).toEqual([[[1]]]);
  });

  it("with a token for reading, or on a server for reading, are refused by SQLite", async () => {
    const refused = [{ error: { message: "attempt to write a readonly database", code: "SQLITE_READONLY" } }];
    const guarded = await sqlServer({ authToken: [{ token: "reader", access: "read" }] });
    const { results } = await guarded.pipeline([execute(INSERT)], {
      headers: { authorization: "Bearer reader" },
    });
    expect(results).toMatchObject(refused);
    expect((await guarded.pipeline([execute(INSERT)])).status).toBe(401);
    const still = await sqlServer({ readOnly: true });
    expect(await still.run(INSERT)).toMatchObject(refused);
    expect(await still.run(COUNT)).toMatchObject([{ type: "ok" }]);
  });
});

describe("SQL that takes too much", () => {
  it("of time is interrupted and rolled back, and the server goes on", async () => {
    const server = await sqlServer({ sqlLimitMs: 1500, pool: poolOf({}) });
    const { results, baton } = await server.pipeline([
      execute(INSERT),
      execute("BEGIN"),
      execute(INSERT),
      execute(ENDLESS),
      execute(COUNT),
    ]);
    const interrupted = { message: "interrupted: it ran longer than 1500 ms", code: "SQLITE_INTERRUPT" };
    expect(results?.map(({ type, error }) => error ?? type)).toEqual([
      "ok",
      "ok",
      "ok",
      interrupted,
      interrupted,
    ]);
    expect(baton).toBeNull();
    expect(server.rows(COUNT)).toEqual([[1]]);
    expect(await server.run(INSERT)).toMatchObject([{ type: "ok" }]);
    const lines = await server.cursor([{ stmt: { sql: ENDLESS } }]);
    expect(lines.slice(1)).toEqual([{ type: "error", error: interrupted }]);
  });

  it("does not keep others waiting meanwhile", async () => {
    const server = await sqlServer({ sqlLimitMs: 3000 });
    const endless = server.run(ENDLESS);
    for (let i = 0; i < 5; i++) expect(await server.run(INSERT)).toMatchObject([{ type: "ok" }]);
    expect(await endless).toMatchObject([{ error: { code: "SQLITE_INTERRUPT" } }]);
  });

  it("of memory costs its process, not the server", async () => {
    const server = await sqlServer({ sqlLimitMs: 20_000, pool: poolOf({ maxProcessBytes: 200_000_000 }) });
    const [result] = await server.run("SELECT length(hex(randomblob(400000000)))");
    expect(result?.error?.code).toBe("SQL_PROCESS_ENDED");
    expect(await server.run(COUNT)).toMatchObject([{ type: "ok" }]);
  });

  it("for a client that left is given up", async () => {
    const server = await sqlServer();
    const controller = new AbortController();
    const reason = new Error("enough");
    const endless = server.pipeline([execute("BEGIN"), execute(INSERT), execute(ENDLESS)], {
      signal: controller.signal,
    });
    await expect.poll(() => server.sql.openStreams).toBe(1);
    controller.abort(reason);
    await expect(endless).rejects.toBe(reason);
    await expect.poll(() => server.sql.openStreams).toBe(0);
    expect(await server.run(INSERT)).toMatchObject([{ type: "ok" }]);
  });

  it("by its number waits for a process, and is told when none becomes free", async () => {
    const server = await sqlServer({ waitMs: 20, pool: poolOf({ maxProcesses: 1 }) });
    const { baton } = await server.pipeline([execute("BEGIN")]);
    expect(await server.pipeline([execute(COUNT)])).toMatchObject({ status: 503, code: "BUSY" });
    await server.pipeline([execute("ROLLBACK")], { baton });
    expect(await server.run(COUNT)).toMatchObject([{ type: "ok" }]);
  });
});

describe("closing", () => {
  it("gives up what runs and what waits, and leaves the process of neither to others as it is", async () => {
    const pool = poolOf({ maxProcesses: 1 });
    const closed = await sqlServer({ pool });
    const other = await sqlServer({ pool });
    const requests = [
      closed.pipeline([execute("BEGIN"), execute(INSERT), execute(ENDLESS)]),
      closed.pipeline([execute(INSERT)]),
      closed.pipeline([execute(COUNT)]),
    ];
    await expect.poll(() => pool.size).toBe(1);
    await closed.sql.close();
    for (const answer of await Promise.all(requests)) {
      expect(answer).toMatchObject({ status: 503, code: "CLOSED" });
    }
    expect(closed.rows(COUNT)).toEqual([[0]]);
    expect(closed.sql.openStreams).toBe(0);
    expect(await other.run(INSERT, COUNT)).toMatchObject([
      { type: "ok" },
      { response: { result: { rows: [[{ value: "1" }]] } } },
    ]);
  });

  it("of the processes ends SQL for good", async () => {
    const pool = poolOf({ maxProcesses: 1 });
    const server = await sqlServer({ pool });
    const { baton } = await server.pipeline([execute("BEGIN")]);
    const waiting = server.pipeline([execute(COUNT)]);
    pool.close();
    await server.pipeline([{ type: "close" }], { baton });
    expect(await waiting).toMatchObject({ status: 503, code: "CLOSED" });
    expect(pool.size).toBe(0);
  });
});

describe("a process of SQL", () => {
  it("ends when the server is killed, even in the middle of a statement", { timeout: 60_000 }, async () => {
    const server = await sqlServer();
    const child = fork(join(import.meta.dirname, "sql-server-process.ts"), [server.path, ENDLESS], {
      execArgv: ["--conditions=lacuna-source", "--no-warnings"],
    });
    await new Promise((resolve) => child.once("message", resolve));
    child.kill("SIGKILL");
    // The lock of the transaction it was in is free once it is gone.
    const insert = async (): Promise<unknown> => (await server.run(INSERT))[0]?.type;
    await expect.poll(insert, { timeout: 15_000 }).toBe("ok");
    expect(server.rows(COUNT)).toEqual([[1]]);
  });
});

describe("a line of those who wait", () => {
  const never = new AbortController().signal;

  it("gives places in the order they were asked for, and takes a place back once", async () => {
    const line = new WaitingLine("a place", 1);
    const leave = await line.take(1000, never);
    const order: number[] = [];
    const waiting = [1, 2].map(async (number) => {
      const mine = await line.take(1000, never);
      order.push(number);
      mine();
    });
    leave();
    leave();
    await Promise.all(waiting);
    expect([order, line.length]).toEqual([[1, 2], 0]);
  });

  it("takes the place back from who gave up in the moment of having it", async () => {
    const line = new WaitingLine("a place", 1);
    const leave = await line.take(1000, never);
    const controller = new AbortController();
    const late = line.take(1000, controller.signal);
    leave();
    controller.abort(new Error("enough"));
    await expect(late).rejects.toThrow("enough");
    (await line.take(1, never))();
  });

  it("forgets who gave up", async () => {
    const line = new WaitingLine("a place", 1);
    const leave = await line.take(1000, never);
    const controller = new AbortController();
    const reason = new Error("enough");
    const aborted = line.take(1000, controller.signal);
    controller.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    await expect(line.take(1, never)).rejects.toThrow(LacunaError);
    leave();
    (await line.take(1, never))();
    expect(line.length).toBe(0);
  });
});
