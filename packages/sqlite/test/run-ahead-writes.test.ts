import { DatabaseSync } from "node:sqlite";
import type { PageNo } from "@lacuna/page";
import { beforeAll, expect, it } from "vitest";
import { openSqlite } from "../src/index.ts";
import { makeDatabase } from "./bytes-source.ts";
import { describeDrivers } from "./drivers.ts";
import { MemorySource } from "./memory-source.ts";

let bytes: Uint8Array;
beforeAll(() => {
  bytes = makeDatabase((db) => {
    db.exec(`PRAGMA page_size = 1024;
      CREATE TABLE t(id INTEGER PRIMARY KEY, grp INT, body TEXT);
      CREATE TABLE log(id INTEGER PRIMARY KEY, what TEXT);
      WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 8000)
        INSERT INTO t SELECT i, i * 7919 % 160, printf('%060d', i) FROM c;
      CREATE INDEX t_grp ON t(grp);
      CREATE TRIGGER t_logged AFTER UPDATE ON t BEGIN INSERT INTO log(what) VALUES (new.body); END;`);
  });
});

const WRITES = [
  "UPDATE t SET body = 'changed ' || id WHERE grp = 7",
  "DELETE FROM t WHERE id BETWEEN 3000 AND 3400",
  "INSERT INTO t SELECT id + 10000, grp, body FROM t WHERE id < 300",
  "REPLACE INTO t(id, grp, body) VALUES (4000, 3, 'new'), (10, 4, 'new'), (7000, 5, 'new')",
];

/** Everything that is in the database. */
const CONTENT = [
  "SELECT * FROM t ORDER BY id",
  "SELECT id FROM t WHERE grp < 20 ORDER BY grp, id",
  "SELECT * FROM log",
];

/** A source from which all but the schema has yet to come, and what comes when it is asked for. */
async function openCold(driver: "jspi" | "restart", runAhead: boolean) {
  const here = new Set<PageNo>([1 as PageNo]);
  const source = new MemorySource(bytes, { resident: (page) => here.has(page) });
  source.onPrefetch = (pages) => {
    for (const page of pages) here.add(page);
  };
  // What is read stays.
  source.readFailure = (page) => void here.add(page);
  return { source, db: await openSqlite({ source, driver, runAhead }) };
}

describeDrivers("a statement that writes", (driver) => {
  it.each(WRITES)("is run ahead, and only it itself writes: %s", async (sql) => {
    const authority = new DatabaseSync(":memory:");
    authority.deserialize(bytes);
    const plain = await openCold(driver, false);
    const ahead = await openCold(driver, true);
    const { changes } = authority.prepare(sql).run();
    for (const { db, source } of [plain, ahead]) {
      expect(await db.run(sql)).toMatchObject({ changes });
      expect(source.commits).toBe(1);
    }
    expect(ahead.db.stats().runAhead?.runs).toBeGreaterThan(0);
    expect(ahead.source.waits).toBeLessThan(Math.max(12, plain.source.waits / 4));
    const file = new DatabaseSync(":memory:");
    file.deserialize(ahead.source.bytes());
    expect(file.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
    for (const query of CONTENT) expect(file.prepare(query).all()).toEqual(authority.prepare(query).all());
    await plain.db.close();
    await ahead.db.close();
  });

  it("can be asked about, and is not done by that", async () => {
    const { db, source } = await openCold(driver, true);
    const [update] = WRITES;
    if (update === undefined) throw new Error("expected a statement");
    expect(await db.isResident(update)).toBe(false);
    expect((await db.estimate(update)).pages).toBeGreaterThan(0);
    expect(source.commits).toBe(0);
    await db.run(update);
    expect(await db.isResident(update)).toBe(true);
    expect(source.commits).toBe(1);
    await db.close();
  });
});
