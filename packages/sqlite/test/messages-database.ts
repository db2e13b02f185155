import type { DatabaseSync } from "node:sqlite";
import { makeDatabase } from "./bytes-source.ts";

export const USERS = 500;
export const MESSAGES = 60_000;

/**
 * About 20 MB of what programs keep: rows in the order they came with indexes whose rows lie scattered, keys of text,
 * large values, full text, rectangles, and row ids far apart.
 */
export function makeMessages(): Uint8Array {
  return makeDatabase((db) => {
    db.exec(`PRAGMA page_size = 4096;
      CREATE TABLE user(id INTEGER PRIMARY KEY, name TEXT NOT NULL);
      CREATE TABLE message(id INTEGER PRIMARY KEY, user INT NOT NULL, at INT NOT NULL, flag INT, body TEXT NOT NULL);
      CREATE TABLE setting(key TEXT PRIMARY KEY, value TEXT) WITHOUT ROWID;
      CREATE TABLE file(id INTEGER PRIMARY KEY, name TEXT, data BLOB);
      CREATE TABLE sparse(id INTEGER PRIMARY KEY, tag TEXT, body TEXT);
      CREATE VIRTUAL TABLE text USING fts5(body);
      CREATE VIRTUAL TABLE place USING rtree(id, x0, x1, y0, y1);
      BEGIN;`);
    fill(db);
    db.exec(`CREATE INDEX message_user ON message(user, at); CREATE INDEX message_at ON message(at);
      CREATE INDEX sparse_tag ON sparse(tag); COMMIT; ANALYZE;`);
  });
}

/** The next of a sequence of numbers that look random, from 0 to 2^32 - 1. */
function* hashes(): Generator<number, never, undefined> {
  for (let state = 1; ; state++) {
    const mixed = Math.imul(state ^ (state >>> 15), 0x85eb_ca6b);
    yield (Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35) ^ (mixed >>> 16)) >>> 0;
  }
}

function fill(db: DatabaseSync): void {
  const random = hashes();
  const below = (limit: number): number => random.next().value % limit;
  const user = db.prepare("INSERT INTO user VALUES (?, ?)");
  for (let id = 1; id <= USERS; id++) user.run(id, `user ${id}`);
  const message = db.prepare("INSERT INTO message VALUES (?, ?, ?, ?, ?)");
  const text = db.prepare("INSERT INTO text(rowid, body) VALUES (?, ?)");
  for (let id = 1; id <= MESSAGES; id++) {
    const words = Array.from({ length: 6 + below(12) }, () => `word${below(below(3000) + 1)}`).join(" ");
    const body = `${words} ${"-".repeat(40 + below(120))}`;
    message.run(id, 1 + below(USERS), id * 60, below(100) === 0 ? 1 : 0, body);
    if (id % 12 === 0) text.run(id / 12, words);
  }
  const setting = db.prepare("INSERT OR IGNORE INTO setting VALUES (?, ?)");
  const sparse = db.prepare("INSERT OR IGNORE INTO sparse VALUES (?, ?, ?)");
  for (let n = 1; n <= 5000; n++) {
    setting.run(`key ${below(1_000_000)}`, "value ".repeat(12));
    sparse.run(below(2 ** 31) * 1000 + below(1000), `tag ${n % 50}`, "x".repeat(90));
  }
  const file = db.prepare("INSERT INTO file VALUES (?, ?, zeroblob(?))");
  for (let id = 1; id <= 3; id++) file.run(id, `file ${id}`, 1_048_576);
  const place = db.prepare("INSERT INTO place VALUES (?, ?, ?, ?, ?)");
  for (let id = 1; id <= 4000; id++) {
    const [x, y] = [below(1000), below(1000)];
    place.run(id, x, x + 1, y, y + 1);
  }
}
