import { laterTurn, ManualTimers } from "@lacuna/testkit";
import { expect, it, vi } from "vitest";
import type { SqlDatabase } from "../src/index.ts";
import { type BytesSource, makeDatabase, type PendingRead } from "./bytes-source.ts";
import { describeDrivers, openBytes } from "./drivers.ts";

const bytes = makeDatabase((db) =>
  db.exec(`PRAGMA page_size = 1024; CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
      INSERT INTO t SELECT i, 'value ' || i FROM n;`),
);

const lookup = (db: SqlDatabase, id: number) => db.get("SELECT v FROM t WHERE id = ?", id);

/** Delivers reads a wave at a time, each once nothing asks for more. */
async function countWaves(source: BytesSource, work: () => Promise<unknown>): Promise<number> {
  let pending: PendingRead[] = [];
  source.onRead = (read) => pending.push(read);
  let through = false;
  const done = work().finally(() => {
    through = true;
  });
  let waves = 0;
  while (!through) {
    await laterTurn();
    if (pending.length > 0) waves++;
    for (const read of pending.splice(0)) read.deliver();
  }
  pending = [];
  source.onRead = undefined;
  await done;
  return waves;
}

/** Has the pool make all its instances. */
const fillPool = (db: SqlDatabase) =>
  Promise.all(Array.from({ length: 10 }, () => db.all("SELECT name FROM sqlite_schema")));

describeDrivers("statements at the same time", (driver) => {
  it("wait for their pages together: ten lookups take at most twice the round trips of one", async () => {
    const one = await openBytes(bytes, driver);
    await fillPool(one.db);
    const single = await countWaves(one.source, () => lookup(one.db, 7000));
    expect(single).toBeGreaterThan(1);
    await one.db.close();

    const { db, source } = await openBytes(bytes, driver);
    await fillPool(db);
    const ids = Array.from({ length: 10 }, (_, index) => 500 + index * 1900);
    let answers: unknown[] = [];
    const waves = await countWaves(source, async () => {
      answers = await Promise.all(ids.map((id) => lookup(db, id)));
    });
    expect(answers).toEqual(ids.map((id) => ({ v: `value ${id}` })));
    expect(waves).toBeLessThanOrEqual(2 * single);
    expect(source.mostInFlight).toBeGreaterThanOrEqual(8);
    await db.close();
  });

  it("wait for their pages together however few instances there are", async () => {
    const { db, source } = await openBytes(bytes, driver, { readers: 1 });
    await fillPool(db);
    const single = await countWaves(source, () => lookup(db, 7000));
    const ids = Array.from({ length: 20 }, (_, index) => 300 + index * 950);
    let answers: unknown[] = [];
    const waves = await countWaves(source, async () => {
      answers = await Promise.all(ids.map((id) => lookup(db, id)));
    });
    expect(answers).toEqual(ids.map((id) => ({ v: `value ${id}` })));
    expect(waves).toBeLessThanOrEqual(single + 1);
    expect(db.stats().readers).toBe(driver === "jspi" ? 2 : 1);
    await db.close();
  });

  it("queue for an instance of their own if they compute for long", async () => {
    const { db } = await openBytes(bytes, driver, { readers: 1 });
    await fillPool(db);
    const sql = (rest: number) => `SELECT count(*) AS n, sum(length(v)) AS l FROM t WHERE id % 4 = ${rest}`;
    const rows = [0, 1, 2, 3].map(() => ({ n: 5000 }));
    expect(await Promise.all([0, 1, 2, 3].map((rest) => db.get(sql(rest))))).toMatchObject(rows);
    expect(await lookup(db, 4)).toEqual({ v: "value 4" });
    await db.close();
  });

  it("are ended by their own signal alone, also where they share an instance", async () => {
    const { db, source } = await openBytes(bytes, driver, { readers: 1 });
    await fillPool(db);
    const pending: PendingRead[] = [];
    source.onRead = (read) => pending.push(read);
    const controller = new AbortController();
    const long = "SELECT sum(length(v)) FROM t";
    const ended = [1, 2, 3].map(() => db.with({ signal: controller.signal }).get(long));
    const kept = [8000, 9000].map((id) => lookup(db, id));
    const settled = Promise.allSettled(ended);
    await laterTurn();
    controller.abort(new Error("enough"));
    for (const { status } of await settled) expect(status).toBe("rejected");
    source.onRead = undefined;
    for (const read of pending.splice(0)) read.deliver();
    expect(await Promise.all(kept)).toEqual([{ v: "value 8000" }, { v: "value 9000" }]);
    await db.close();
    expect(source.held).toBe(0);
  });

  it("make instances up to the number of readers, and only when they have to", async () => {
    const { db } = await openBytes(bytes, driver, { readers: 3 });
    for (let id = 1; id < 5; id++) await lookup(db, id * 3000);
    expect(db.stats().readers).toBe(1);
    await Promise.all(Array.from({ length: 12 }, (_, id) => lookup(db, id * 1500)));
    // The others share one more.
    expect(db.stats().readers).toBe(driver === "jspi" ? 4 : 1);
    await db.close();
  });

  it("release the instances beyond the first after a while", async () => {
    const timers = new ManualTimers();
    const { db } = await openBytes(bytes, driver, { timers, readerIdleMilliseconds: 500 });
    await fillPool(db);
    expect(db.stats().readers).toBe(driver === "jspi" ? 5 : 1);
    timers.advance(499);
    expect(db.stats().readers).toBe(driver === "jspi" ? 5 : 1);
    timers.advance(1);
    expect(db.stats().readers).toBe(1);
    expect(await lookup(db, 4)).toEqual({ v: "value 4" });
    await db.close();
  });

  it("do not disturb each other when one text runs several times at once", async () => {
    const { db } = await openBytes(bytes, driver, { readers: 1 });
    const statement = await db.prepare("SELECT v FROM t WHERE id BETWEEN ? AND ? + 2");
    statement.pluck();
    const runs = await Promise.all([1, 5000, 10000, 15000].map((id) => statement.all(id, id)));
    expect(runs).toEqual([1, 5000, 10000, 15000].map((id) => [0, 1, 2].map((more) => `value ${id + more}`)));
    await db.close();
  });

  it("run while any number of iterators is open, also more than there are readers", async () => {
    const { db, source } = await openBytes(bytes, driver, { readers: 2 });
    const iterators = Array.from({ length: 7 }, (_, index) =>
      db.iterate<{ id: number }>("SELECT id FROM t WHERE id > ? ORDER BY id LIMIT 300", index * 2000),
    );
    for (let round = 1; round <= 40; round++) {
      for (const [index, iterator] of iterators.entries()) {
        const { value } = await iterator.next();
        expect(value).toEqual({ id: index * 2000 + round });
        if (round % 20 === 0) expect(await lookup(db, value.id)).toEqual({ v: `value ${value.id}` });
      }
    }
    expect(db.stats().readers).toBeLessThanOrEqual(2);
    for (const iterator of iterators) await iterator.return?.();
    await vi.waitFor(() => expect(source.held).toBe(0));
    await db.close();
  });

  it("answer an iterator's own loop, and end it when the loop is left", async () => {
    const { db, source } = await openBytes(bytes, driver, { readers: 1 });
    const seen: unknown[] = [];
    for await (const { id } of db.iterate<{ id: number }>("SELECT id FROM t ORDER BY id DESC")) {
      seen.push((await lookup(db, id))?.["v"]);
      if (seen.length === 3) break;
    }
    expect(seen).toEqual(["value 20000", "value 19999", "value 19998"]);
    await vi.waitFor(() => expect(source.held).toBe(0));
    if (driver === "jspi") expect(source.reads.length).toBeLessThan(20);
    await db.close();
  });

  it("let an iterator that was never started cost nothing", async () => {
    const { db, source } = await openBytes(bytes, driver);
    const iterator = db.iterate("SELECT * FROM t");
    await iterator.return?.();
    expect(source.reads).toEqual([1]);
    expect(db.stats().instances).toBe(0);
    await db.close();
  });

  it("give every row of a statement that is not deterministic once", async () => {
    const { db } = await openBytes(bytes, driver);
    const ids: number[] = [];
    const sql = "SELECT id, random() % 100 AS r FROM t WHERE id % 100 = 0 ORDER BY id";
    for await (const { id } of db.iterate<{ id: number }>(sql)) ids.push(id);
    expect(ids).toEqual(Array.from({ length: 200 }, (_, index) => (index + 1) * 100));
    await db.close();
  });
});
