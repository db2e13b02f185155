import { DatabaseSync } from "node:sqlite";
import { afterAll, beforeAll, expect, it } from "vitest";
import { makeDatabase } from "./bytes-source.ts";
import { describeDrivers } from "./drivers.ts";
import { openRemote } from "./remote-source.ts";

const NOTES = 30_000;
const PLACES = 40_000;

/** A number that looks like any other. */
const scatter = (id: number, salt: number): number => Math.imul(id ^ (id >>> 7), salt) >>> 8;
const word = (id: number, salt: number): string => `word${scatter(id, salt) % 1500}`;

/** Full text in one segment beside the table whose rows it finds. */
function makeNotes(db: DatabaseSync): void {
  db.exec(`PRAGMA page_size = 1024;
    CREATE TABLE note(id INTEGER PRIMARY KEY, subject TEXT, hint TEXT);
    CREATE VIRTUAL TABLE search USING fts5(subject, hint, content='note', content_rowid='id');
    BEGIN;`);
  const note = db.prepare("INSERT INTO note VALUES (?, ?, ?)");
  for (let id = 1; id <= NOTES; id++) {
    const hint = id % 7 === 0 ? word(id, 0x27d4_eb2f) : "";
    note.run(id, `${word(id, 0x85eb_ca6b)} ${word(id, 0xc2b2_ae35)}`, hint);
  }
  db.exec(
    `INSERT INTO search(search) VALUES ('rebuild'); INSERT INTO search(search) VALUES ('optimize'); COMMIT`,
  );
}

const LETTERS = 12_000;
const SEGMENTS = 12;

/** Full text as it grows: in segments, each of which has to be searched. No page of it is among the first. */
function makeLetters(db: DatabaseSync): void {
  db.exec(`CREATE TABLE before(bytes); INSERT INTO before VALUES (zeroblob(200000));
    CREATE VIRTUAL TABLE letter USING fts5(body);
    INSERT INTO letter(letter, rank) VALUES ('automerge', 0);`);
  const letter = db.prepare("INSERT INTO letter VALUES (?)");
  const each = LETTERS / SEGMENTS;
  for (let id = 1; id <= LETTERS; id++) {
    if (id % each === 1) db.exec("BEGIN");
    const words = Array.from({ length: 12 }, (_, index) => word(id * 12 + index, 0x85eb_ca6b));
    letter.run(`${words.join(" ")} often`);
    if (id % each === 0) db.exec("COMMIT");
  }
  db.exec(`CREATE VIRTUAL TABLE list USING fts5(body, content='');
    WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < 40000)
      INSERT INTO list(rowid, body) SELECT i, 'often' FROM c;`);
}

/** Places and where they are. */
function makePlaces(db: DatabaseSync): void {
  db.exec(`PRAGMA page_size = 1024; CREATE TABLE before(bytes); INSERT INTO before VALUES (zeroblob(200000));
    CREATE TABLE place(id INTEGER PRIMARY KEY, name TEXT);
    CREATE VIRTUAL TABLE box USING rtree(id, x0, x1, y0, y1); BEGIN;`);
  const place = db.prepare("INSERT INTO place VALUES (?, ?)");
  const box = db.prepare("INSERT INTO box VALUES (?, ?, ?, ?, ?)");
  for (let id = 1; id <= PLACES; id++) {
    const [x, y] = [scatter(id, 0x85eb_ca6b) % 10_000, scatter(id, 0xc2b2_ae35) % 10_000];
    place.run(id, `place ${id}`);
    box.run(id, x, x + 5, y, y + 5);
  }
  db.exec("COMMIT");
}

interface Made {
  readonly bytes: Uint8Array;
  readonly authority: DatabaseSync;
}
const databases = new Map<string, Made>();
beforeAll(() => {
  for (const [name, make] of Object.entries({ notes: makeNotes, letters: makeLetters, places: makePlaces })) {
    const bytes = makeDatabase(make);
    const authority = new DatabaseSync(":memory:");
    authority.deserialize(bytes);
    databases.set(name, { bytes, authority });
  }
}, 60_000);
afterAll(() => {
  for (const { authority } of databases.values()) authority.close();
});

interface Bar {
  readonly requests: number;
  /** Runs that fail. */
  readonly failed: number;
  /** Pages fetched over pages of these that were read, at most. */
  readonly excess: number;
  /** Pages fetched at least, or there would be nothing to show. */
  readonly pages: number;
}

const WITHIN = "x1 >= 3000 AND x0 <= 5000 AND y1 >= 3000 AND y0 <= 5000";
const SEARCHES: readonly (readonly [name: string, database: string, sql: string, bar: Bar])[] = [
  [
    "the best of a full text search",
    "notes",
    "SELECT rowid, subject FROM search WHERE search MATCH 'word300 OR word1234' ORDER BY rank LIMIT 10",
    { requests: 6, failed: 3, excess: 1.25, pages: 60 },
  ],
  [
    "a word in many segments of full text",
    "letters",
    "SELECT rowid FROM letter WHERE letter MATCH 'word77'",
    { requests: 4, failed: 0, excess: 1.25, pages: 14 },
  ],
  [
    "two words in many segments of full text",
    "letters",
    "SELECT rowid, body FROM letter WHERE letter MATCH 'word77 AND often'",
    { requests: 5, failed: 0, excess: 1.1, pages: 100 },
  ],
  [
    "words that begin alike in many segments of full text",
    "letters",
    "SELECT rowid FROM letter WHERE letter MATCH 'word77*'",
    { requests: 4, failed: 0, excess: 1.25, pages: 14 },
  ],
  [
    "a word whose rows fill many pages of full text",
    "letters",
    "SELECT count(*) FROM list WHERE list MATCH 'often'",
    { requests: 9, failed: 0, excess: 1.5, pages: 30 },
  ],
  [
    "what is within a range of an R-Tree",
    "places",
    `SELECT count(*) FROM box WHERE ${WITHIN}`,
    { requests: 8, failed: 0, excess: 1.02, pages: 90 },
  ],
  [
    "the rows of what is within a range of an R-Tree",
    "places",
    `SELECT name FROM box JOIN place USING (id) WHERE ${WITHIN}`,
    { requests: 12, failed: 0, excess: 1.02, pages: 600 },
  ],
];

describeDrivers("running ahead", (driver) => {
  it.each(SEARCHES)("takes few requests for %s", async (_name, database, sql, bar) => {
    const { bytes, authority } = databases.get(database) as Made;
    const remote = await openRemote(bytes, driver);
    const rows = authority.prepare(sql).all();
    expect(await remote.db.all(sql)).toEqual(rows.map((row) => ({ ...row })));
    const { fetchedPages, demandPages, prefetch } = remote.cache.stats();
    expect(fetchedPages).toBeGreaterThan(bar.pages);
    expect(remote.transport.requests.length).toBeLessThanOrEqual(bar.requests + (driver === "jspi" ? 0 : 3));
    expect(fetchedPages).toBeLessThanOrEqual(bar.excess * (demandPages + prefetch.used + prefetch.late));
    expect(remote.db.stats().runAhead?.failed).toBeLessThanOrEqual(bar.failed);
    await remote.close();
  });
});
