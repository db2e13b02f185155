import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { syncHandler } from "../src/index.ts";
import { openServedSql, serveNode } from "../src/node/index.ts";
import { rowsAt, serve, temporaryDirectory } from "./database-fixture.ts";

// The client exists for files on Linux only; elsewhere these show up as skipped.
const onLinux = describe.skipIf(process.platform !== "linux");
const { connect } =
  process.platform === "linux" ? await import("@tursodatabase/sync") : { connect: undefined };

type Client = Awaited<ReturnType<NonNullable<typeof connect>>>;
type ClientOptions = Parameters<NonNullable<typeof connect>>[0];

interface Remote {
  readonly url: string;
  readonly errors: unknown[];
  /** Opens a client of its own file. */
  client(options?: Partial<ClientOptions>): Promise<Client>;
  rows(sql: string): unknown[];
}

async function remote(setup = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT UNIQUE)"): Promise<Remote> {
  const directory = temporaryDirectory();
  const path = join(directory, "app.db");
  const database = new DatabaseSync(path);
  database.exec(setup);
  database.close();
  const served = await serve(path, { history: true });
  const errors: unknown[] = [];
  const sql = openServedSql(path, {
    onWrite: () => served.newest(),
    onError: (error) => errors.push(error),
  });
  onTestFinished(() => sql.close());
  const handler = syncHandler({ database: served, sql, onError: (error) => errors.push(error) });
  const server = await serveNode({ handler, port: 0 });
  onTestFinished(() => server.close());
  let clients = 0;
  return {
    url: server.url,
    errors,
    client: async (options = {}) => {
      if (connect === undefined) throw new Error("there is no client for this platform");
      const client = await connect({
        path: join(directory, `client-${clients++}.db`),
        url: server.url,
        ...options,
      });
      onTestFinished(() => client.close());
      return client;
    },
    rows: (text) => rowsAt(path, text),
  };
}

async function rowsOf(client: Client, sql = "SELECT id, v FROM t ORDER BY id"): Promise<unknown[]> {
  const rows = await (await client.prepare(sql)).all();
  return rows.map((row: object) => Object.values(row));
}

onLinux("unmodified clients of Turso", () => {
  it("push and pull, with what they did meanwhile on top", async () => {
    const server = await remote();
    const one = await server.client();
    await one.exec("INSERT INTO t VALUES (1, 'one')");
    await one.push();
    expect(server.rows("SELECT id, v FROM t")).toEqual([[1, "one"]]);
    const two = await server.client();
    expect(await rowsOf(two)).toEqual([[1, "one"]]);
    await two.exec("INSERT INTO t VALUES (2, 'two')");
    await one.exec("UPDATE t SET v = 'uno' WHERE id = 1");
    await one.push();
    await two.pull();
    expect(await rowsOf(two)).toEqual([
      [1, "uno"],
      [2, "two"],
    ]);
    await two.push();
    await one.pull();
    expect(await rowsOf(one)).toEqual(await rowsOf(two));
    expect(server.rows("PRAGMA integrity_check")).toEqual([["ok"]]);
    expect(server.errors).toEqual([]);
  });

  it("send their schema along", async () => {
    const server = await remote();
    const one = await server.client();
    await one.exec("CREATE TABLE notes(id INTEGER PRIMARY KEY, body)");
    await one.exec("ALTER TABLE notes ADD COLUMN mood");
    await one.exec("INSERT INTO notes VALUES (1, 'hello', 'fine')");
    await one.push();
    await one.push();
    const two = await server.client();
    expect(await rowsOf(two, "SELECT * FROM notes")).toEqual([[1, "hello", "fine"]]);
  });

  it("lose nothing when a push is refused", async () => {
    const server = await remote();
    const one = await server.client();
    const two = await server.client();
    await one.exec("INSERT INTO t VALUES (1, 'same')");
    await one.push();
    await two.exec("INSERT INTO t VALUES (10, 'before')");
    await two.exec("INSERT INTO t VALUES (11, 'same')");
    await two.exec("INSERT INTO t VALUES (12, 'after')");
    await expect(two.push()).rejects.toThrow("UNIQUE constraint failed: t.v");
    expect(server.rows("SELECT id FROM t")).toEqual([[1]]);
    // The log of the client still begins with what was refused: the way must be cleared on the other side.
    await one.exec("UPDATE t SET v = 'another' WHERE id = 1");
    await one.push();
    await two.push();
    expect(server.rows("SELECT id FROM t ORDER BY id")).toEqual([[1], [10], [11], [12]]);
    await two.pull();
    await one.pull();
    expect(await rowsOf(one)).toEqual(await rowsOf(two));
  });

  it("write on the server, at once and in transactions", async () => {
    const server = await remote();
    const client = await server.client({ remoteWritesExperimental: true });
    await client.exec("INSERT INTO t VALUES (1, 'one')");
    expect(server.rows("SELECT id, v FROM t")).toEqual([[1, "one"]]);
    const insert = await client.prepare("INSERT INTO t VALUES (?, ?)");
    await insert.run(2, "two");
    expect(await rowsOf(client)).toEqual([
      [1, "one"],
      [2, "two"],
    ]);
    await expect(client.exec("INSERT INTO t VALUES (3, 'one')")).rejects.toThrow(
      "UNIQUE constraint failed: t.v",
    );
    await client.exec("BEGIN");
    await client.exec("INSERT INTO t VALUES (4, 'four')");
    expect(server.rows("SELECT count(*) FROM t")).toEqual([[2]]);
    await client.exec("COMMIT");
    await client.exec("BEGIN");
    await client.exec("DELETE FROM t");
    await client.exec("ROLLBACK");
    expect(server.rows("SELECT id FROM t")).toEqual([[1], [2], [4]]);
    expect(await rowsOf(client, "SELECT id FROM t")).toEqual([[1], [2], [4]]);
    expect(server.errors).toEqual([]);
  });

  it("come to the same, sixteen of them at once", { timeout: 120_000 }, async () => {
    const server = await remote("CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)");
    const clients = await Promise.all(Array.from({ length: 16 }, () => server.client()));
    const work = async (client: Client, number: number): Promise<void> => {
      for (let i = 0; i < 2; i++) {
        await client.exec(`INSERT INTO t VALUES (${number * 100 + i}, 'of ${number}')`);
        await client.push();
        await client.pull();
      }
    };
    await Promise.all(clients.map(work));
    for (const client of clients) await client.pull();
    const [first, ...others] = await Promise.all(clients.map((client) => rowsOf(client)));
    expect(first).toHaveLength(32);
    for (const rows of others) expect(rows).toEqual(first);
    expect(server.rows("SELECT count(*) FROM t")).toEqual([[32]]);
    expect(server.rows("PRAGMA integrity_check")).toEqual([["ok"]]);
    expect(server.errors).toEqual([]);
  });
});
