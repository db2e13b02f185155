import { DatabaseSync } from "node:sqlite";

/** Makes the database that the tests ask: 2,000 people with an index, notes, and letters with full text search. */
export function makeSample(path: string): void {
  const db = new DatabaseSync(path);
  db.exec(`
    PRAGMA journal_mode = WAL;
    CREATE TABLE person(id INTEGER PRIMARY KEY, name TEXT, about TEXT);
    CREATE INDEX person_name ON person(name);
    CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT);
    CREATE VIRTUAL TABLE letter USING fts5(body, id UNINDEXED);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
      INSERT INTO person SELECT i, 'person ' || i, hex(randomblob(150)) FROM n;
    INSERT INTO letter(id, body) VALUES (6, 'the sixth'), (7, 'the seventh');
  `);
  db.close();
}
