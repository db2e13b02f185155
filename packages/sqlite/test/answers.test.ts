import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, it } from "vitest";
import type { SqlDatabase } from "../src/index.ts";
import { makeDatabase } from "./bytes-source.ts";
import { describeDrivers, openBytes } from "./drivers.ts";

const SCHEMA = `
  CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT COLLATE NOCASE, born INTEGER, height REAL);
  CREATE INDEX person_city ON person(city, born DESC);
  CREATE TABLE post(id INTEGER PRIMARY KEY, person INTEGER REFERENCES person, title TEXT, body TEXT, tags TEXT);
  CREATE INDEX post_person ON post(person) WHERE title IS NOT NULL;
  CREATE TABLE setting(scope TEXT, key TEXT, value, PRIMARY KEY(scope, key)) WITHOUT ROWID;
  CREATE TABLE file(name TEXT PRIMARY KEY, content BLOB);
  CREATE TABLE odd("two words" TEXT, "__proto__" INTEGER, "ünïcödé" TEXT);
  CREATE VIEW elders AS SELECT id, name FROM person WHERE born < 1940;
  CREATE VIRTUAL TABLE search USING fts5(title, body, content='post', content_rowid='id');
  CREATE VIRTUAL TABLE area USING rtree(id, minx, maxx, miny, maxy);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
    INSERT INTO person SELECT i, 'name ' || i, char(65 + i % 26) || 'ville', 1920 + i % 90,
      CASE WHEN i % 7 = 0 THEN NULL ELSE 1.5 + (i % 60) / 100.0 END FROM n;
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
    INSERT INTO post SELECT i, 1 + i * 17 % 3000, CASE WHEN i % 5 = 0 THEN NULL ELSE 'title ' || (i % 40) END,
      'the quick brown fox ' || i || CASE i % 3 WHEN 0 THEN ' jumps' WHEN 1 THEN ' sleeps' ELSE ' grüßt 🦊' END,
      json_array('t' || i % 4, i) FROM n;
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 800)
    INSERT INTO setting SELECT 'scope' || i % 9, 'key' || i, CASE i % 4 WHEN 0 THEN i WHEN 1 THEN i / 3.0 WHEN 2 THEN 'v' || i END
    FROM n;
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 30)
    INSERT INTO file SELECT 'file ' || i, CAST(printf('%.*c', i * i * 100, char(64 + i % 32)) AS BLOB) FROM n;
  INSERT INTO odd VALUES('a', 1, 'ä'), (NULL, -2, ''), ('', NULL, '語');
  INSERT INTO search(search) VALUES('rebuild');
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1500)
    INSERT INTO area SELECT i, i % 100, i % 100 + 1, i / 100, i / 100 + 1 FROM n;
  ANALYZE;
`;

const QUERIES = [
  "SELECT * FROM person WHERE id = 1234",
  "SELECT count(*), sum(born), avg(height), min(name), max(name), total(height) FROM person",
  "SELECT city, count(*) AS n FROM person GROUP BY city ORDER BY n DESC, city",
  "SELECT city, group_concat(id, '-') FROM (SELECT * FROM person ORDER BY id) WHERE id < 200 GROUP BY city HAVING count(*) > 7",
  "SELECT id, born FROM person WHERE city = 'bville' ORDER BY born",
  "SELECT id, born FROM person WHERE city = 'CVILLE' ORDER BY born DESC LIMIT 7",
  "SELECT id FROM person WHERE city > 'Xville' ORDER BY city DESC, born ASC",
  "SELECT id FROM person ORDER BY id LIMIT 10 OFFSET 2500",
  "SELECT id FROM person ORDER BY id DESC LIMIT 10 OFFSET 100",
  "SELECT name FROM person WHERE id IN (1, 50, 900, 2999, 5000, NULL)",
  "SELECT name FROM person WHERE id BETWEEN 300 AND 305 OR name = 'name 17'",
  "SELECT p.name, t.title FROM person p JOIN post t ON t.person = p.id WHERE p.id < 60 ORDER BY t.id",
  "SELECT p.id, t.id FROM person p LEFT JOIN post t ON t.person = p.id AND t.title IS NOT NULL WHERE p.id < 30 ORDER BY 1, 2",
  "SELECT a.id, b.id FROM person a, person b WHERE a.born = b.born AND a.id < 20 AND b.id > 2950 ORDER BY 1, 2",
  "SELECT name FROM person WHERE EXISTS (SELECT 1 FROM post WHERE post.person = person.id AND title = 'title 3') ORDER BY name",
  "SELECT (SELECT count(*) FROM post WHERE person = p.id) AS posts FROM person p WHERE id < 40",
  "SELECT id, row_number() OVER (PARTITION BY city ORDER BY born, id) AS rank, lag(born) OVER (ORDER BY id) FROM person WHERE id < 100 ORDER BY id",
  "SELECT id, sum(born) OVER (ORDER BY id ROWS BETWEEN 2 PRECEDING AND CURRENT ROW) AS moving FROM person WHERE id > 2980",
  "WITH RECURSIVE fib(a, b) AS (SELECT 0, 1 UNION ALL SELECT b, a + b FROM fib LIMIT 60) SELECT a FROM fib",
  "WITH RECURSIVE chain(id, depth) AS (SELECT 1, 0 UNION ALL SELECT post.person, depth + 1 FROM chain JOIN post ON post.id = chain.id WHERE depth < 20) SELECT * FROM chain",
  "SELECT json_extract(tags, '$[0]') AS tag, count(*) FROM post GROUP BY tag ORDER BY tag",
  "SELECT post.id, value FROM post, json_each(post.tags) WHERE post.id < 12 ORDER BY post.id, key",
  "SELECT * FROM setting WHERE scope = 'scope3' AND key > 'key5' ORDER BY key",
  "SELECT scope, key FROM setting ORDER BY scope DESC, key DESC LIMIT 20",
  "SELECT typeof(value), count(*) FROM setting GROUP BY 1 ORDER BY 1",
  "SELECT name, length(content) AS n, hex(substr(content, -3)) AS tail FROM file ORDER BY n",
  "SELECT content FROM file WHERE name IN ('file 1', 'file 9', 'file 30')",
  "SELECT * FROM odd",
  'SELECT "two words" || "ünïcödé" AS joined FROM odd',
  "SELECT * FROM elders ORDER BY id LIMIT 5",
  "SELECT rowid, title FROM search WHERE search MATCH 'jumps AND title' ORDER BY rowid LIMIT 12",
  "SELECT rowid, highlight(search, 1, '<', '>') FROM search WHERE search MATCH 'grüßt' ORDER BY rank, rowid LIMIT 5",
  "SELECT rowid FROM search WHERE search MATCH '\"fox 19\" OR slee*' ORDER BY rowid",
  "SELECT count(*) FROM search WHERE body MATCH 'NEAR(quick fox, 3)'",
  "SELECT id FROM area WHERE minx >= 10 AND maxx <= 13 AND miny >= 3 AND maxy <= 9 ORDER BY id",
  "SELECT count(*) FROM area",
  "SELECT name FROM person WHERE name LIKE '%99%' ORDER BY name",
  "SELECT name FROM person WHERE name GLOB 'name 1[0-2]?' ORDER BY id",
  "SELECT DISTINCT substr(title, 1, 7) FROM post ORDER BY 1",
  "SELECT id FROM person WHERE id < 10 UNION SELECT person FROM post WHERE id < 10 ORDER BY 1",
  "SELECT id FROM person WHERE id < 50 EXCEPT SELECT person FROM post ORDER BY id",
  "SELECT id FROM person INTERSECT SELECT person FROM post WHERE id > 1900 ORDER BY 1",
  "SELECT * FROM (VALUES (1, 'a'), (2.5, x'00ff'), (NULL, ''))",
  "SELECT name, type FROM sqlite_schema ORDER BY name",
  "SELECT 9007199254740991, -9007199254740991, 1e308 * 10, -0.0, 0.1 + 0.2, x'', ''",
  "SELECT date(0, 'unixepoch'), datetime('2024-02-29 12:00', '+1 year'), strftime('%j', '2024-12-31')",
  "SELECT strftime('%Y-%m-%d %H:%M:%S', 1718000000, 'unixepoch', 'localtime')",
  "SELECT printf('%08.3f|%x|%s', 3.14159, 255, 'é'), upper('straße'), length('🦊'), unicode('語')",
  "SELECT max(id) FROM person",
  "SELECT min(born) FROM person WHERE city = 'dville'",
  "SELECT count(*) FROM person NATURAL JOIN (SELECT id FROM post)",
  "SELECT 1 WHERE 0",
];

const plain = (rows: readonly unknown[]) => rows.map((row) => Object.entries(row as object));

describeDrivers("answers", (driver) => {
  let authority: DatabaseSync;
  let bytes: Uint8Array;
  let warm: SqlDatabase;
  let resident: SqlDatabase;

  beforeAll(async () => {
    bytes = makeDatabase((db) => db.exec(SCHEMA));
    authority = new DatabaseSync(":memory:");
    authority.deserialize(bytes);
    ({ db: warm } = await openBytes(bytes, driver));
    ({ db: resident } = await openBytes(bytes, driver, { resident: "all" }));
  });

  afterAll(async () => {
    await warm.close();
    await resident.close();
    authority.close();
  });

  it.each(QUERIES)("equal those of SQLite: %s", async (sql) => {
    const expected = plain(authority.prepare(sql).all());
    const { db: cold, source } = await openBytes(bytes, driver);
    expect(plain(await cold.all(sql))).toEqual(expected);
    const reads = source.reads.length;
    expect(plain(await cold.all(sql))).toEqual(expected);
    expect(source.reads.length).toBe(reads);
    const iterated: unknown[] = [];
    for await (const row of warm.iterate(sql)) iterated.push(row);
    expect(plain(iterated)).toEqual(expected);
    expect(plain(await resident.all(sql))).toEqual(expected);
    expect(plain([await cold.get(sql)].filter((row) => row !== undefined))).toEqual(expected.slice(0, 1));
    await cold.close();
    expect(source.held).toBe(0);
  });

  it("are right when no page stays in memory", async () => {
    const { db } = await openBytes(bytes, driver, { forgetful: true, cacheBytes: 65_536 });
    const sql =
      "SELECT city, count(*), sum(length(name)) FROM person WHERE id < 1500 GROUP BY city ORDER BY city";
    expect(plain(await db.all(sql))).toEqual(plain(authority.prepare(sql).all()));
    await db.close();
  });
});
