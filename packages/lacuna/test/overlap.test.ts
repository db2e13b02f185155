import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
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
