import { setImmediate } from "node:timers/promises";
import { memoryStore } from "@lacuna/storage/memory";
import { describe, expect, it } from "vitest";
import type { ConnectOptions } from "../src/index.ts";
import { randomNumbers } from "./commit-model.ts";
import { Caller, OVERLAP_SCHEMA } from "./overlap-model.ts";
import { KeptStore } from "./soak/kept-store.ts";
import { rowsOf, type SyncRemote, syncRemote } from "./sync-remote.ts";

const TABLE = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)";
const ALL = "SELECT id, v FROM t ORDER BY id";
const PARTIAL = {
  partialSync: { bootstrapStrategy: { kind: "prefix", length: 4096 }, segmentSize: 4096, prefetch: false },
} as const;

/** Tells of the next answer to a request for `path`, which is held back until it is let go. */
function held(remote: SyncRemote, path: string): { readonly answered: Promise<void>; go(): void } {
  let go = (): void => {};
  let answer = (): void => {};
  const released = new Promise<void>((resolve) => {
    go = resolve;
  });
  const answered = new Promise<void>((resolve) => {
    answer = resolve;
  });
  remote.intercept = async (request, pass) => {
    if (!request.url.endsWith(path)) return pass();
    const response = await pass();
    answer();
    await released;
    return response;
  };
  return { answered, go };
}

/** Long enough for whatever needs no network to get as far as it can. */
async function turns(): Promise<void> {
  for (let i = 0; i < 50; i++) await setImmediate();
}

describe("calls on one handle at the same time", () => {
  it("leave in sight what is committed while a pull waits for its turn", async () => {
    const remote = await syncRemote(TABLE);
    const db = await remote.replica();
    remote.exec("INSERT INTO t VALUES (1, 'theirs')");
    const wire = held(remote, "pull-updates");
    let pulling: Promise<boolean> | undefined;
    await db.transactionAsync(async (tx) => {
      await tx.run("INSERT INTO t VALUES (2, 'mine')");
      pulling = db.pull();
      await wire.answered;
      wire.go();
      await turns();
    })();
    expect(await pulling).toBe(true);
    expect(await rowsOf(db, ALL)).toEqual([
      [1, "theirs"],
      [2, "mine"],
    ]);
  });

  it("end at once when they are aborted, also while a push has its turn", async () => {
    const remote = await syncRemote(TABLE);
    const db = await remote.replica();
    await db.exec("INSERT INTO t VALUES (1, 'a')");
    const wire = held(remote, "pipeline");
    const first = db.push();
    await wire.answered;
    const leaving = new AbortController();
    const { signal } = leaving;
    const others = [db.push({ signal }), db.pull({ signal })];
    const ended = Promise.allSettled(others);
    await turns();
    const reason = new Error("left");
    leaving.abort(reason);
    const left = { status: "rejected", reason };
    expect(await ended).toEqual([left, left]);
    wire.go();
    await first;
    expect(remote.rows(ALL)).toEqual([[1, "a"]]);
  });

  it("bring a pull to its end however many pushes there are", async () => {
    const remote = await syncRemote(TABLE);
    const db = await remote.replica();
    remote.exec("INSERT INTO t VALUES (0, 'theirs')");
    let isPulled = false;
    const pulling = db.pull().then(() => {
      isPulled = true;
    });
    for (let n = 1; !isPulled; n++) {
      expect(n).toBeLessThan(20);
      await db.run("INSERT INTO t VALUES (?, 'mine')", n);
      await db.push();
    }
    await pulling;
  });

  it("bring what the remote has once, where two pulls are the first", async () => {
    const remote = await syncRemote(TABLE);
    let url: string | null = null;
    const db = await remote.replica({ url: () => url });
    await db.exec(`${TABLE}; INSERT INTO t VALUES (2, 'mine')`);
    remote.exec("INSERT INTO t VALUES (1, 'theirs')");
    url = "http://server";
    expect(await Promise.all([db.pull(), db.pull()])).toEqual([true, false]);
    expect(await rowsOf(db, ALL)).toEqual([
      [1, "theirs"],
      [2, "mine"],
    ]);
  });

  it("are told that a commit happened, though an open iterator cannot go on over the newest revision", async () => {
    const rows = `${TABLE}; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
      INSERT INTO t SELECT i, printf('%.*c', 900, 'x') FROM n`;
    const remote = await syncRemote(rows, false);
    const db = await remote.replica(PARTIAL);
    await db.all("SELECT * FROM t WHERE id < 20");
    await db.exec("BEGIN");
    const iterator = db.iterate("SELECT * FROM t WHERE id < 20");
    await iterator.next();
    await db.run("INSERT INTO t VALUES (9000, 'mine')");
    remote.exec("UPDATE t SET v = 'theirs' WHERE id > 300");
    await expect(db.all("SELECT * FROM t WHERE id = 200")).rejects.toMatchObject({
      code: "REVISION_CHANGED",
    });
    await db.exec("COMMIT");
    await expect(iterator.next()).rejects.toMatchObject({ sqliteCode: "SQLITE_BUSY_SNAPSHOT" });
    expect(await rowsOf(db, "SELECT id, v FROM t WHERE id IN (350, 9000)")).toEqual([
      [350, "theirs"],
      [9000, "mine"],
    ]);
    expect(await db.pending()).toHaveLength(1);
  });

  it("end with CLOSED, also those that wait for a transaction whose function goes on", async () => {
    const remote = await syncRemote(TABLE);
    const db = await remote.replica();
    let end = (): void => {};
    const going = new Promise<void>((resolve) => {
      end = resolve;
    });
    const around = db.transactionAsync(() => going)();
    const waiting = [db.run("INSERT INTO t VALUES (1, 'a')"), db.batch(["SELECT 1"]), around];
    const ended = Promise.allSettled(waiting.slice(0, 2));
    await turns();
    await db.close();
    expect(await ended).toMatchObject(Array(2).fill({ status: "rejected", reason: { code: "CLOSED" } }));
    end();
    await expect(around).rejects.toMatchObject({ code: "CLOSED" });
  });

  it("never wait for a transaction whose function waits for them, when the revision is gone", async () => {
    const rows = `${TABLE}; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
      INSERT INTO t SELECT i, printf('%.*c', 900, 'x') FROM n`;
    const remote = await syncRemote(rows, false);
    const db = await remote.replica(PARTIAL);
    const around = db.transactionAsync(async (tx) => {
      await tx.run("INSERT INTO t VALUES (9000, 'mine')");
      remote.exec("UPDATE t SET v = 'theirs' WHERE id > 300");
      for (const id of [100, 200]) {
        await expect(db.get("SELECT v FROM t WHERE id = ?", id)).rejects.toMatchObject({
          code: "REVISION_CHANGED",
        });
      }
    });
    await around();
    expect(await rowsOf(db, "SELECT id, v FROM t WHERE id IN (350, 9000)")).toEqual([
      [350, "theirs"],
      [9000, "mine"],
    ]);
  });
});

const SEED = Number(process.env["LACUNA_SEED"] ?? 1);
const RUNS = Number(process.env["LACUNA_OVERLAPS"] ?? 1);
const CALLERS = 6;
const STEPS = 18;

interface Kind {
  readonly options: Partial<ConnectOptions>;
  readonly history: boolean;
}

const KINDS: readonly (readonly [string, Kind])[] = [
  ["a full replica", { options: {}, history: true }],
  ["a partial replica", { options: PARTIAL, history: true }],
  ["a partial replica of a remote without history", { options: PARTIAL, history: false }],
  ["a replica with driver restart", { options: { ...PARTIAL, driver: "restart" }, history: true }],
  ["a replica of relaxed durability", { options: { durability: "relaxed" }, history: true }],
];

describe.each(KINDS)("%s that several callers use at the same time", (_, { options, history }) => {
  const seeds = Array.from({ length: RUNS }, (_, i) => SEED + i);

  it.each(seeds)("has everything that was acknowledged once and nothing else, with seed %i", async (seed) => {
    const random = randomNumbers(seed);
    const remote = await syncRemote(OVERLAP_SCHEMA, history);
    const kept = new KeptStore(memoryStore());
    const open = async () => remote.replica({ ...options, store: await kept.next(), attempts: 2 });
    const counts = new Map<string, number>();
    const callers = Array.from({ length: CALLERS }, (_, i) => new Caller(i + 1, random, counts));
    for (let life = 0; life < 3; life++) {
      const db = await open();
      for (const caller of callers) await caller.checkAlone(db);
      let theirs = 0;
      remote.intercept = async (_, pass) => {
        const dice = random();
        if (dice < 0.1)
          remote.exec(
            `UPDATE kept SET v = 'theirs ${++theirs}' WHERE caller = 0 AND id % 50 = ${theirs % 50}`,
          );
        if (dice > 0.9) throw new TypeError("it was lost");
        const response = await pass();
        if (dice < 0.8) return response;
        await response.arrayBuffer();
        throw new TypeError("its answer was lost");
      };
      const closesAt = life === 2 ? Number.POSITIVE_INFINITY : CALLERS * STEPS * (0.3 + 0.7 * random());
      let steps = 0;
      const ended = callers.map(async (caller) => {
        for (let left = STEPS; left > 0; left--) {
          if (++steps > closesAt) void db.close();
          if (!(await caller.step(db))) return;
        }
      });
      await Promise.all(ended);
      remote.intercept = undefined;
      if (life < 2) await db.close();
      else {
        await db.push();
        for (const caller of callers) caller.checkRemote(remote);
        await db.pull();
        for (const caller of callers) await caller.checkAlone(db);
        expect(await rowsOf(db, "PRAGMA integrity_check")).toEqual([["ok"]]);
      }
    }
    expect(counts.get("written")).toBeGreaterThan(20);
  });
});
