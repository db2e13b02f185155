import { DatabaseSync } from "node:sqlite";
import { closedError } from "@lacuna/page";
import type { ChangeRecord } from "@lacuna/pager";
import { describe, expect, it } from "vitest";
import type { CapturedItem } from "../src/changes/captured.ts";
import { encodeChange } from "../src/changes/change-record.ts";
import { type PushContext, type PushResult, push } from "../src/push/push.ts";
import { SyncState } from "../src/push/sync-state.ts";
import { ReplicaMeta } from "../src/replica-meta.ts";
import { captured } from "./capture.ts";
import { type SqlRemote, sqlRemote } from "./sql-remote.ts";

const TABLE = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT UNIQUE)";

/** A client: what it wrote, and what it remembers. */
class Client {
  readonly db = new DatabaseSync(":memory:");
  records: ChangeRecord[] = [];
  meta: Record<string, string> = {};
  context: PushContext;
  #next = 1;

  constructor(remote: SqlRemote, changed: Partial<PushContext> = {}) {
    this.db.exec(TABLE);
    this.context = {
      transport: remote.transport(),
      pending: {
        pendingChanges: async () => this.records,
        settleChanges: async (ids) => {
          this.records = this.records.filter(({ id }) => !ids.includes(id));
        },
      },
      state: this.#state(),
      limits: { operations: 10_000, bytes: 1 << 20 },
      transform: undefined,
      attempts: 3,
      pause: async () => {},
      now: () => 1_700_000_000_000,
      ...changed,
    };
  }

  #state(): SyncState {
    const setMeta = async (meta: Record<string, string>): Promise<void> => {
      this.meta = meta;
    };
    return new SyncState(new ReplicaMeta({ meta: () => this.meta, setMeta }), "test");
  }

  /** Runs SQL as one transaction. */
  write(...statements: string[]): void {
    this.commit(...statements.map((sql) => captured(this.db, () => this.db.exec(sql))));
  }

  commit(...items: CapturedItem[]): void {
    this.records.push({ id: this.#next++, bytes: encodeChange({ items }, 0) });
  }

  push(): Promise<PushResult> {
    return push(this.context, undefined);
  }

  /** The same client after its process ended: only what is durable is left. */
  restart(): void {
    this.context = { ...this.context, state: this.#state() };
  }
}

const rows = (remote: SqlRemote): unknown[][] => remote.rows("SELECT id, v FROM t ORDER BY id");
const marks = (remote: SqlRemote): unknown[][] =>
  remote.rows("SELECT change_id FROM turso_sync_last_change_id");

/** Loses the reply to the nth request with SQL from now on, after the server did what it says. */
function loseReply(remote: SqlRemote, nth = 1): void {
  let left = nth;
  remote.intercept = async (_, pass) => {
    const response = await pass();
    if (--left !== 0) return response;
    await response.arrayBuffer();
    throw new TypeError("the connection broke");
  };
}

describe("a push", () => {
  it("brings whole transactions in one request, and then costs nothing (W18)", async () => {
    const remote = await sqlRemote(TABLE);
    const client = new Client(remote);
    client.write("INSERT INTO t VALUES (1, 'a'), (2, 'b')");
    client.write("UPDATE t SET v = 'c' WHERE id = 1", "DELETE FROM t WHERE id = 2");
    expect(await client.push()).toEqual({ transactions: 2, statements: 4 });
    expect(rows(remote)).toEqual([[1, "c"]]);
    expect(remote.asked).toEqual(["pipeline"]);
    expect(await client.push()).toEqual({ transactions: 0, statements: 0 });
    expect(remote.asked).toEqual(["pipeline"]);
    expect(marks(remote)).toEqual([[2]]);
  });

  it("takes ten thousand rows in at most three requests", async () => {
    const remote = await sqlRemote(TABLE);
    const client = new Client(remote);
    const fill = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 10000)";
    client.write(`${fill} INSERT INTO t SELECT i, 'row ' || i FROM n`);
    await client.push();
    expect(remote.asked.length).toBeLessThanOrEqual(3);
    expect(remote.rows("SELECT count(*), sum(id) FROM t")).toEqual([[10_000, 50_005_000]]);
  });

  it("closes a request at the first transaction with which it has enough, and never in one", async () => {
    const remote = await sqlRemote(TABLE);
    const client = new Client(remote, { limits: { operations: 2, bytes: 1 << 20 } });
    for (let id = 1; id <= 5; id++) client.write(`INSERT INTO t VALUES (${id}, 'x${id}')`);
    client.write("INSERT INTO t VALUES (6, 'x6'), (7, 'x7'), (8, 'x8'), (9, 'x9')");
    const counts: number[] = [];
    remote.intercept = async (request, pass) => {
      const { requests } = (await request.json()) as { requests: { batch: { steps: unknown[] } }[] };
      counts.push((requests[0]?.batch.steps.length ?? 0) - 6);
      return pass();
    };
    await client.push();
    expect(counts).toEqual([2, 2, 5]);
    expect(rows(remote)).toHaveLength(9);
  });

  it("W10: a change that is refused is named, nothing of its request is taken, and it stays", async () => {
    const remote = await sqlRemote(`${TABLE}; INSERT INTO t VALUES (100, 'taken')`);
    const client = new Client(remote);
    for (const v of ["one", "taken", "three"])
      client.write(`INSERT INTO t VALUES (${client.records.length + 1}, '${v}')`);
    const failure = client.push();
    await expect(failure).rejects.toThrow("UNIQUE constraint failed: t.v");
    await expect(failure).rejects.toMatchObject({
      code: "PUSH_REJECTED",
      sqliteCode: "SQLITE_CONSTRAINT_UNIQUE",
      change: { id: "2.1", kind: "insert", table: "t", key: { id: 2n } },
    });
    expect(rows(remote)).toEqual([[100, "taken"]]);
    expect(client.records).toHaveLength(3);
    remote.exec("DELETE FROM t WHERE id = 100");
    await client.push();
    expect(rows(remote).map(([id]) => id)).toEqual([1, 2, 3]);
  });

  it("W10: goes on without a change that was given up", async () => {
    const remote = await sqlRemote(`${TABLE}; INSERT INTO t VALUES (100, 'taken')`);
    const client = new Client(remote);
    client.write("INSERT INTO t VALUES (1, 'one')", "INSERT INTO t VALUES (2, 'taken')");
    client.write("INSERT INTO t VALUES (3, 'three')");
    await expect(client.push()).rejects.toMatchObject({ change: { id: "1.2" } });
    await client.context.state.set({ discarded: ["1.2"] });
    await client.push();
    expect(rows(remote).map(([id]) => id)).toEqual([1, 3, 100]);
    expect(client.context.state.facts.discarded).toEqual([]);
  });

  it("that fails at any step leaves nothing behind, and can be repeated", async () => {
    const items = (client: Client): void => {
      client.commit({ kind: "ddl", sql: "ALTER TABLE t ADD COLUMN w" });
      client.write("INSERT INTO t VALUES (1, 'a')", "INSERT INTO t VALUES (2, 'b')");
    };
    for (const broken of [
      ["BEGIN IMMEDIATE", "BEGIN BROKEN"],
      ["CREATE TABLE IF NOT EXISTS turso", "CREATE TABLE turso BROKEN"],
      ["ALTER TABLE t ADD COLUMN w", "ALTER TABLE t ADD COLUMN w BROKEN BROKEN("],
      ['INSERT INTO \\"t\\"', 'INSERT INTO \\"nothing\\"'],
      ["pull_gen=excluded.pull_gen", "broken=excluded.pull_gen"],
      ["COMMIT", "COMMIT BROKEN"],
    ] as const) {
      const remote = await sqlRemote(TABLE);
      const client = new Client(remote, { attempts: 1 });
      items(client);
      let tampered = false;
      remote.intercept = async (request) => {
        const body = await request.text();
        tampered ||= body.includes(broken[0]);
        const init = { method: "POST", headers: request.headers, body: body.replace(broken[0], broken[1]) };
        remote.intercept = undefined;
        return remote.fetch(request.url, init);
      };
      await expect(client.push()).rejects.toThrow();
      expect(tampered).toBe(true);
      expect(rows(remote)).toEqual([]);
      expect(remote.rows("SELECT count(*) FROM sqlite_schema WHERE name LIKE 'turso%'")).toEqual([[0]]);
      await client.push();
      expect(rows(remote)).toEqual([
        [1, "a"],
        [2, "b"],
      ]);
    }
  });

  it("whose reply is lost is taken exactly once", async () => {
    const remote = await sqlRemote(
      "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT UNIQUE); CREATE TABLE n(c); INSERT INTO n VALUES (0)",
    );
    const client = new Client(remote);
    client.commit({ kind: "statement", sql: "UPDATE n SET c = c + 1", parameters: [] });
    loseReply(remote);
    await client.push();
    expect(remote.rows("SELECT c FROM n")).toEqual([[1]]);
    expect(remote.asked).toEqual(["pipeline", "pipeline"]);
    expect(client.records).toEqual([]);
  });

  it("that never arrived is sent again", async () => {
    const remote = await sqlRemote(TABLE);
    const client = new Client(remote);
    client.write("INSERT INTO t VALUES (1, 'a')");
    remote.intercept = async () => {
      remote.intercept = undefined;
      throw new TypeError("no connection");
    };
    await client.push();
    expect(rows(remote)).toEqual([[1, "a"]]);
  });

  it("of a process that ended before the reply is taken exactly once, whether it arrived or not", async () => {
    for (const arrived of [true, false]) {
      const remote = await sqlRemote(`${TABLE}; CREATE TABLE n(c); INSERT INTO n VALUES (0)`);
      const client = new Client(remote, { attempts: 1 });
      client.commit({ kind: "statement", sql: "UPDATE n SET c = c + 1", parameters: [] });
      if (arrived) loseReply(remote);
      else remote.intercept = () => Promise.reject(new TypeError("no connection"));
      await expect(client.push()).rejects.toMatchObject({ code: "NETWORK" });
      remote.intercept = undefined;
      client.restart();
      client.write("INSERT INTO t VALUES (1, 'a')");
      await client.push();
      expect(remote.rows("SELECT c FROM n")).toEqual([[1]]);
      expect(rows(remote)).toEqual([[1, "a"]]);
      expect(client.records).toEqual([]);
    }
  });

  it.each([1, 3])(
    "of two copies of a replica loses nothing of either, with %d attempts",
    async (attempts) => {
      const remote = await sqlRemote(TABLE);
      const one = new Client(remote, { attempts });
      one.write("INSERT INTO t VALUES (1, 'a')");
      await one.push();
      const two = new Client(remote, { attempts });
      two.meta = { ...one.meta };
      two.restart();
      two.write("INSERT INTO t VALUES (2, 'of two')");
      two.write("INSERT INTO t VALUES (3, 'of two too')");
      one.write("INSERT INTO t VALUES (4, 'of one')");
      await one.push();
      await two.push();
      one.write("INSERT INTO t VALUES (5, 'of one too')");
      await one.push();
      expect(rows(remote).map(([id]) => id)).toEqual([1, 2, 3, 4, 5]);
      expect(marks(remote)).toHaveLength(2);
    },
  );

  it("goes on after a remote that forgot its marks", async () => {
    const remote = await sqlRemote(TABLE);
    const client = new Client(remote);
    client.write("INSERT INTO t VALUES (1, 'a')");
    await client.push();
    remote.exec("DROP TABLE turso_sync_last_change_id");
    client.write("INSERT INTO t VALUES (2, 'b')");
    await client.push();
    expect(rows(remote)).toHaveLength(2);
  });

  it("tells a remote that is busy from one that refuses", async () => {
    const remote = await sqlRemote(TABLE);
    const client = new Client(remote, { attempts: 2 });
    client.write("INSERT INTO t VALUES (1, 'a')");
    const busy = {
      step_results: Array(7).fill(null),
      step_errors: [{ message: "database is locked", code: "SQLITE_BUSY" }, ...Array(6).fill(null)],
    };
    remote.intercept = async () =>
      Response.json({ results: [{ type: "ok", response: { type: "batch", result: busy } }] });
    await expect(client.push()).rejects.toMatchObject({ code: "BUSY" });
    expect(remote.asked).toHaveLength(2);
    remote.intercept = undefined;
    await client.push();
    expect(rows(remote)).toEqual([[1, "a"]]);
  });

  it.each([401, 404, 413])(
    "is not repeated after status %d, and goes on when that is over",
    async (status) => {
      const remote = await sqlRemote(TABLE);
      const client = new Client(remote);
      client.write("INSERT INTO t VALUES (1, 'a')");
      remote.intercept = async () => new Response("no", { status });
      await expect(client.push()).rejects.toMatchObject({ status });
      expect(remote.asked).toHaveLength(1);
      remote.intercept = undefined;
      await client.push();
      expect(remote.asked).toHaveLength(2);
    },
  );

  it("whose transport is closed meanwhile ends without a pause, and can be called again", async () => {
    const remote = await sqlRemote(TABLE);
    const client = new Client(remote);
    client.write("INSERT INTO t VALUES (1, 'a')");
    const { context } = client;
    const closed = closedError("the transport");
    const execute = async (): Promise<never> => {
      throw closed;
    };
    let pauses = 0;
    const pause = async (): Promise<void> => void pauses++;
    client.context = { ...context, pause, transport: { ...context.transport, execute } };
    await expect(client.push()).rejects.toBe(closed);
    expect(pauses).toBe(0);
    client.context = context;
    await client.push();
    expect(rows(remote)).toEqual([[1, "a"]]);
  });

  it("that is aborted can be called again", async () => {
    const remote = await sqlRemote(TABLE);
    const client = new Client(remote);
    client.write("INSERT INTO t VALUES (1, 'a')");
    const controller = new AbortController();
    const reason = new Error("enough");
    remote.intercept = async (_, pass) => {
      await pass();
      controller.abort(reason);
      return new Promise(() => {});
    };
    await expect(push(client.context, controller.signal)).rejects.toBe(reason);
    remote.intercept = undefined;
    await client.push();
    expect(rows(remote)).toEqual([[1, "a"]]);
    expect(client.records).toEqual([]);
  });

  it("leaves out what a transform skips, and asks for nothing when that is all", async () => {
    const remote = await sqlRemote(TABLE);
    const client = new Client(remote, { transform: () => ({ operation: "skip" }) });
    client.write("INSERT INTO t VALUES (1, 'a')");
    await client.push();
    expect(remote.asked).toEqual([]);
    expect(client.records).toEqual([]);
  });
});
