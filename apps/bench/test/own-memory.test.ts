import { DatabaseSync } from "node:sqlite";
import { expect, it, onTestFinished } from "vitest";
import { openOwnMemory } from "../src/own-memory.ts";
import { timesInTurns } from "../src/times-in-turns.ts";

it("SQLite over its own memory gives the rows that node:sqlite gives, in every way", async () => {
  const db = new DatabaseSync(":memory:");
  onTestFinished(() => db.close());
  db.exec(`CREATE TABLE t(a, b, c, d, e);
    INSERT INTO t VALUES (1, 2.5, 'ä text', x'00ff', NULL), (-7, 1e300, '', x'', 'x')`);
  const own = await openOwnMemory(db.serialize());
  onTestFinished(() => own.close());
  const sql = "SELECT * FROM t";
  const objects = db
    .prepare(sql)
    .all()
    .map((row) => ({ ...row }));
  const arrays = objects.map((row) => Object.values(row));
  expect(own.plainArrays(sql)).toEqual(arrays);
  expect(own.plainObjects(sql)).toEqual(objects);
  expect(own.withInterface(sql, "array")).toEqual(arrays);
  expect(own.withInterface(sql, "object")).toEqual(objects);
});

it("contestants take turns, and runs that only warm up have no time", async () => {
  const turns: string[] = [];
  const contestants = { a: () => turns.push("a"), b: async () => turns.push("b") };
  const times = await timesInTurns(contestants, { runs: 2, warmUps: 1 });
  expect(turns.join("")).toBe("ababab");
  expect([times.a.length, times.b.length]).toEqual([2, 2]);
});
