import { join } from "node:path";
import { afterEach, expect, it, vi } from "vitest";
import { rowsOf, syncRemote } from "./sync-remote.ts";

afterEach(() => void vi.useRealTimers());

const YEARS = ["2030-01-01", "1999-12-31", "2026-06-01", "1970-01-02", "2026-05-31"];

it("clocks going backwards, here and at the server, lose, repeat and reorder nothing", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const remote = await syncRemote("CREATE TABLE loose(v); CREATE TABLE t(id INTEGER PRIMARY KEY, v)");
  const options = { path: join(remote.directory, "local.db"), partialSync: {} };
  const times: number[] = [];
  const transform = ({ changeTime }: { changeTime: number }) => void times.push(changeTime);
  let db = await remote.replica({ ...options, transform });
  for (const [i, year] of YEARS.entries()) {
    vi.setSystemTime(new Date(`${year}T12:00:00Z`));
    await db.run("INSERT INTO loose VALUES (?)", i);
    await db.run("INSERT INTO t VALUES (1, ?) ON CONFLICT DO UPDATE SET v = excluded.v", i);
    remote.exec(`INSERT INTO loose VALUES (${100 + i})`);
    if (i % 2 === 0) await db.push();
    await db.pull();
    await db.close();
    db = await remote.replica({ ...options, transform });
  }
  await db.push();
  await db.pull();
  const rows = [0, 1, 2, 3, 4, 100, 101, 102, 103, 104].map((v) => [v]);
  expect(remote.rows("SELECT v FROM loose ORDER BY v")).toEqual(rows);
  expect(await rowsOf(db, "SELECT v FROM loose ORDER BY v")).toEqual(rows);
  expect(remote.rows("SELECT v FROM t")).toEqual([[4]]);
  expect(await db.pending()).toEqual([]);
  expect(await rowsOf(db, "PRAGMA integrity_check")).toEqual([["ok"]]);
  expect(Math.min(...times)).toBeLessThan(Math.max(...times) - 31_536_000);
  const { lastPushUnixTime } = await db.stats();
  expect(lastPushUnixTime).toBe(Date.parse("2026-05-31T12:00:00Z") / 1000);
});
