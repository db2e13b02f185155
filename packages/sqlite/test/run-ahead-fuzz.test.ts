import { DatabaseSync } from "node:sqlite";
import { beforeAll, expect, it } from "vitest";
import { makeDatabase } from "./bytes-source.ts";
import { describeDrivers } from "./drivers.ts";
import { openRemote } from "./remote-source.ts";

let bytes: Uint8Array;
let authority: DatabaseSync;
beforeAll(() => {
  bytes = makeDatabase((db) => {
    db.exec(`PRAGMA page_size = 1024;
      CREATE TABLE a(id INTEGER PRIMARY KEY, b INT, t TEXT, x REAL);
      CREATE TABLE b(id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE, extra DEFAULT 'none');
      CREATE TABLE w(k TEXT, n INT, v BLOB, PRIMARY KEY (k, n)) WITHOUT ROWID;
      CREATE TABLE far(id INTEGER PRIMARY KEY, tag TEXT);
      CREATE TABLE big(id INTEGER PRIMARY KEY, v TEXT);
      CREATE VIRTUAL TABLE f USING fts5(t);
      CREATE VIRTUAL TABLE r USING rtree(id, x0, x1);
      WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 3000)
        INSERT INTO a SELECT i, i * 37 % 200, 'text ' || i * 7919 % 3000, i / 7.0 FROM c;
      INSERT INTO b SELECT id, 'Name ' || id * 31 % 200, CASE id % 3 WHEN 0 THEN NULL ELSE id END FROM a WHERE id <= 200;
      INSERT INTO w SELECT 'k' || id % 300, id, CASE WHEN id % 500 = 0 THEN zeroblob(3000) ELSE zeroblob(id % 9) END FROM a;
      INSERT INTO far SELECT (id * 7919 - 9000000) * 1000000007, 'tag ' || id % 40 FROM a;
      INSERT INTO big SELECT id, printf('%.*c', 900 * (id % 5), 'y') FROM a WHERE id <= 150;
      INSERT INTO f(rowid, t) SELECT id, 'w' || id % 50 || ' w' || id % 7 || ' ' || t FROM a WHERE id % 3 = 0;
      INSERT INTO f(rowid, t) SELECT id, 'w' || id % 60 || ' later' FROM a WHERE id % 3 = 1;
      INSERT INTO f(rowid, t) SELECT id, 'w' || id % 90 || ' last' FROM a WHERE id % 9 = 2;
      INSERT INTO r SELECT id, id % 100, id % 100 + 3 FROM a WHERE id <= 800;
      CREATE INDEX a_b ON a(b, x); CREATE INDEX a_t ON a(t DESC); CREATE INDEX b_name ON b(name);
      CREATE INDEX far_tag ON far(tag); CREATE INDEX w_n ON w(n); CREATE INDEX a_odd ON a(x) WHERE id % 2;
      DELETE FROM a WHERE id % 11 = 0; ANALYZE;`);
  });
  authority = new DatabaseSync(":memory:");
  authority.deserialize(bytes);
});

/** A generator of numbers from 0 to 1 that is the same each time. */
function seeded(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b_79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** A statement whose rows have one order. */
function statement(random: () => number): string {
  const pick = <T>(...list: T[]): T => list[Math.floor(random() * list.length)] as T;
  const number = (limit: number): number => Math.floor(random() * limit);
  const limit = (): string => pick("", ` LIMIT ${number(30)}`, ` LIMIT ${number(9)} OFFSET ${number(2000)}`);
  const id = number(3100);
  const condition = pick(
    `a.id = ${id}`,
    `a.id BETWEEN ${id} AND ${id + number(400)}`,
    `a.b = ${number(210)}`,
    `a.b IN (${number(200)}, ${number(200)}, ${number(200)})`,
    `a.t > 'text ${number(3000)}' AND a.t < 'text 9'`,
    `a.x > ${number(400)} AND a.id % 2`,
    `a.id IN (SELECT id FROM b WHERE extra IS NULL)`,
    `EXISTS (SELECT 1 FROM b WHERE b.id = a.b AND b.name LIKE 'name 1%')`,
    `NOT EXISTS (SELECT 1 FROM w WHERE w.n = a.id AND w.k = 'k7')`,
    `a.t IS NULL`,
  );
  return pick(
    () => `SELECT * FROM a WHERE ${condition} ORDER BY a.id ${pick("", "DESC")}${limit()}`,
    () => `SELECT count(*), sum(a.x), max(a.t) FROM a WHERE ${condition}`,
    () => `SELECT a.b, count(*), min(a.id) FROM a WHERE ${condition} GROUP BY a.b ORDER BY a.b${limit()}`,
    () =>
      `SELECT a.id, b.name FROM a ${pick("", "LEFT ")}JOIN b ON b.id = a.b ${pick("", "AND b.extra > 50 ")}WHERE ${condition} ORDER BY a.id${limit()}`,
    () =>
      `SELECT a.id FROM b JOIN a ON a.b = b.id WHERE b.name = 'NAME ${number(220)}' ORDER BY a.id${limit()}`,
    () => `SELECT k, n, length(v) FROM w WHERE k = 'k${number(320)}' ORDER BY n${limit()}`,
    () => `SELECT k, count(*) FROM w WHERE n > ${id} GROUP BY k ORDER BY k${limit()}`,
    () => `SELECT * FROM far WHERE tag = 'tag ${number(42)}' ORDER BY id ${pick("", "DESC")}${limit()}`,
    () => `SELECT count(*), min(id) FROM far WHERE id > ${number(900)} * 1000000000`,
    () => `SELECT id, length(v), substr(v, 2000, 3) FROM big WHERE id > ${number(150)} ORDER BY id${limit()}`,
    () => `SELECT rowid FROM f WHERE f MATCH 'w${number(50)} AND w${number(7)}' ORDER BY rowid${limit()}`,
    () => `SELECT rowid, t FROM f WHERE f MATCH 'w${number(60)}' ORDER BY rank, rowid LIMIT ${number(12)}`,
    () =>
      `SELECT count(*) FROM f WHERE f MATCH '${pick("later", "w1*", `"w${number(60)} later"`, `w${number(90)} NOT last`)}'`,
    () =>
      `SELECT rowid FROM f WHERE f MATCH 'w${number(60)} OR last' ORDER BY rowid DESC LIMIT ${number(40)}`,
    () => `SELECT id FROM r WHERE x0 > ${number(90)} AND x1 < ${number(103)} ORDER BY id`,
    () =>
      `SELECT a.id, a.t FROM r JOIN a ON a.id = r.id WHERE r.x0 BETWEEN ${number(90)} AND 95 ORDER BY a.id${limit()}`,
    () => `SELECT a.id, r.x1 FROM a JOIN r ON r.id = a.id WHERE a.b = ${number(210)} ORDER BY a.id`,
    () => `SELECT DISTINCT b FROM a WHERE ${condition} ORDER BY 1${limit()}`,
    () => `SELECT max(id), (SELECT name FROM b WHERE id = ${number(210)}) FROM a`,
    () =>
      `SELECT id FROM a WHERE ${condition} UNION SELECT n FROM w WHERE k > 'k${number(300)}' ORDER BY 1${limit()}`,
    () =>
      `WITH RECURSIVE c(i) AS (SELECT ${id} UNION SELECT (SELECT b FROM a WHERE a.id = c.i) FROM c LIMIT 20) SELECT i FROM c ORDER BY i`,
    () =>
      `SELECT id, row_number() OVER (PARTITION BY b ORDER BY id) FROM a WHERE ${condition} ORDER BY id${limit()}`,
  )();
}

const STATEMENTS = 40;

describeDrivers("random statements over random pages", (driver) => {
  it.each([1, 2, 3, 4, 5, 6])("are answered as SQLite answers them, seed %i", async (seed) => {
    const random = seeded(seed);
    const share = random();
    let remote = await openRemote(bytes, driver, { present: () => random() < share });
    let ran = 0;
    for (let index = 0; index < STATEMENTS; index++) {
      // Anew now and then, or soon everything would be here.
      if (index % 8 === 7) {
        ran += remote.db.stats().runAhead?.runs ?? 0;
        await remote.close();
        remote = await openRemote(bytes, driver, { present: () => random() < share });
      }
      const sql = statement(random);
      const rows = authority
        .prepare(sql)
        .all()
        .map((row) => ({ ...row }));
      expect(await remote.db.all(sql), sql).toEqual(rows);
    }
    expect(ran).toBeGreaterThan(0);
    await remote.close();
  });
});
