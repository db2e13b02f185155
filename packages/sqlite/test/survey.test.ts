import { ManualTimers } from "@lacuna/testkit";
import { beforeAll, expect, it } from "vitest";
import { makeDatabase } from "./bytes-source.ts";
import { describeDrivers } from "./drivers.ts";
import { openRemote } from "./remote-source.ts";

let bytes: Uint8Array;
beforeAll(() => {
  bytes = makeDatabase((db) => {
    db.exec(`PRAGMA page_size = 1024; CREATE TABLE t(id INTEGER PRIMARY KEY, body TEXT);
      WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 5000)
        INSERT INTO t SELECT i, printf('%060d', i) FROM c;`);
  });
});
const headOnly = (page: number): boolean => page === 1;
const LOOKUP = "SELECT body FROM t WHERE id = ?";
const SCAN = "SELECT count(body) AS n FROM t";

describeDrivers("a statement that has not run", (driver) => {
  it("is resident once all of its pages are here, and asking fetches none", async () => {
    const { db, transport, close } = await openRemote(bytes, driver, { present: headOnly });
    expect(await db.isResident(LOOKUP, 7)).toBe(false);
    expect(transport.requests).toHaveLength(0);
    await db.all(LOOKUP, 7);
    const sent = transport.requests.length;
    expect(await db.isResident(LOOKUP, 7)).toBe(true);
    expect(await db.isResident(LOOKUP, [7])).toBe(true);
    expect(await db.isResident(LOOKUP, 4000)).toBe(false);
    expect(await db.isResident(SCAN)).toBe(false);
    expect(await db.isResident("SELECT 1")).toBe(true);
    expect(transport.requests).toHaveLength(sent);
    await db.all(SCAN);
    expect(await db.isResident(SCAN)).toBe(true);
    expect(await db.isResident(LOOKUP, 4000)).toBe(true);
    await close();
  });

  it("is not resident on account of placeholders of an earlier run", async () => {
    const { db, close } = await openRemote(bytes, driver, { present: headOnly });
    expect((await db.estimate(SCAN)).pages).toBeGreaterThan(0);
    expect(await db.isResident(SCAN)).toBe(false);
    await close();
  });

  it("is refused as it would be if it ran", async () => {
    const { db, close } = await openRemote(bytes, driver);
    await expect(db.isResident("SELECT nothing FROM t")).rejects.toMatchObject({ code: "SQL" });
    await expect(db.estimate("SELECT nothing FROM t")).rejects.toMatchObject({ code: "SQL" });
    await expect(db.isResident(LOOKUP)).rejects.toMatchObject({ code: "INVALID_OPTION" });
    await close();
  });

  it("is estimated by the pages that it lacks, and asking fetches none", async () => {
    const { db, transport, cache, close } = await openRemote(bytes, driver, { present: headOnly });
    await db.all(LOOKUP, 1);
    const { fetchedPages } = cache.stats();
    transport.requests.length = 0;
    expect(await db.estimate(LOOKUP, 1)).toEqual({ requests: 0, pages: 0, bytes: 0, complete: true });
    const range = "SELECT count(body) AS n FROM t WHERE id BETWEEN 1 AND 700";
    const estimate = await db.estimate(range);
    expect(estimate).toMatchObject({ bytes: estimate.pages * 1024, complete: true });
    expect(transport.requests).toHaveLength(0);
    await db.all(range);
    expect(cache.stats().fetchedPages - fetchedPages).toBeGreaterThanOrEqual(estimate.pages);
    expect(cache.stats().fetchedPages - fetchedPages).toBeLessThanOrEqual(estimate.pages * 1.1);
    expect(transport.requests.length).toBeGreaterThanOrEqual(estimate.requests);
    await close();
  });
});

describeDrivers("a budget", (driver) => {
  it("ends a query that would need more bytes, ahead of itself included, and leaves others alone", async () => {
    const { db, cache, close } = await openRemote(bytes, driver, { present: headOnly });
    const frugal = db.with({ budget: { bytes: 20_480 } });
    expect(await frugal.all("SELECT id FROM t WHERE id = 5")).toEqual([{ id: 5 }]);
    const before = cache.stats().fetchedBytes;
    await expect(frugal.all(SCAN)).rejects.toMatchObject({ code: "BUDGET" });
    expect(cache.stats().fetchedBytes - before).toBeLessThanOrEqual(20_480);
    expect(await db.all(SCAN)).toEqual([{ n: 5000 }]);
    expect(await frugal.all(SCAN)).toEqual([{ n: 5000 }]);
    await close();
  });

  it("ends a query that would need more requests", async () => {
    const { db, transport, close } = await openRemote(bytes, driver, { present: headOnly });
    const before = transport.requests.length;
    await expect(db.with({ budget: { requests: 2 } }).all(SCAN)).rejects.toMatchObject({ code: "BUDGET" });
    expect(transport.requests.length - before).toBeLessThanOrEqual(2);
    expect(await db.with({ budget: { requests: 100 } }).all(SCAN)).toEqual([{ n: 5000 }]);
    await close();
  });

  it("ends a query that takes longer", async () => {
    const timers = new ManualTimers();
    const { db, transport, close } = await openRemote(bytes, driver, { present: headOnly, timers });
    transport.hold();
    const query = db.with({ budget: { timeMs: 500 } }).all(SCAN);
    timers.advance(499);
    const over = expect(query).rejects.toMatchObject({ code: "BUDGET" });
    timers.advance(1);
    await over;
    transport.release();
    expect(await db.with({ budget: { timeMs: 500 } }).all(SCAN)).toEqual([{ n: 5000 }]);
    await close();
  });

  it("holds for prepared statements and iterators, each time anew", async () => {
    const { db, close } = await openRemote(bytes, driver, { present: headOnly });
    const statement = (await db.prepare(LOOKUP)).with({ budget: { requests: 3 } });
    for (const id of [1, 1500, 3000, 4500]) expect(await statement.all(id)).toHaveLength(1);
    await close();
    const cold = await openRemote(bytes, driver, { present: headOnly });
    const iterate = async (): Promise<void> => {
      for await (const row of cold.db.with({ budget: { requests: 1 } }).iterate(SCAN))
        expect(row).toEqual({ n: 5000 });
    };
    await expect(iterate()).rejects.toMatchObject({ code: "BUDGET" });
    await cold.close();
  });

  it("is refused if it makes no sense", async () => {
    const { db, close } = await openRemote(bytes, driver);
    await expect(db.with({ budget: { bytes: -1 } }).all("SELECT 1")).rejects.toMatchObject({
      code: "INVALID_OPTION",
    });
    await close();
  });
});
