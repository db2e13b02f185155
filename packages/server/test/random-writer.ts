import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import { randomNumbers } from "./random-numbers.ts";

/** What a database held after a commit. */
export interface Committed {
  readonly token: string;
  /** Of the rows. */
  readonly hash: string;
}

export const SCHEMA = `
  CREATE TABLE item (id INTEGER PRIMARY KEY, body BLOB);
  CREATE TABLE mark (one INTEGER PRIMARY KEY CHECK (one = 1), token TEXT);
  INSERT INTO mark VALUES (1, 'first');
`;

export function hashOf(database: DatabaseSync): string {
  const hash = createHash("sha256");
  for (const { id, body } of database.prepare("SELECT id, body FROM item ORDER BY id").iterate()) {
    hash.update(`${id}:`).update(body instanceof Uint8Array ? body : String(body));
  }
  return hash.digest("hex");
}

/** Commits random changes, each under a token of its own. */
export class RandomWriter {
  readonly #database: DatabaseSync;
  readonly #random: () => number;
  readonly #name: string;
  #count = 0;

  constructor(path: string, name: string, seed: number) {
    this.#database = new DatabaseSync(path, { timeout: 20_000 });
    this.#database.exec("PRAGMA synchronous=OFF; PRAGMA wal_autocheckpoint=50");
    this.#random = randomNumbers(seed);
    this.#name = name;
  }

  /** One transaction. What it leaves is hashed before the commit: behind it another writer may be faster. */
  commit(): Committed {
    const token = `${this.#name}${++this.#count}`;
    const database = this.#database;
    database.exec("BEGIN IMMEDIATE");
    database.prepare("UPDATE mark SET token = ?").run(token);
    for (let i = this.#below(4); i >= 0; i--) this.#change();
    const hash = hashOf(database);
    database.exec("COMMIT");
    if (this.#random() < 0.05) database.exec("PRAGMA wal_checkpoint(PASSIVE)");
    return { token, hash };
  }

  /** Rewrites the file as a whole. The rows stay. */
  vacuum(): void {
    this.#database.exec("VACUUM");
  }

  close(): void {
    this.#database.close();
  }

  #change(): void {
    const database = this.#database;
    const dice = this.#random();
    const from = this.#below(200);
    if (dice < 0.5) {
      const bytes = 1 + this.#below(dice < 0.05 ? 40_000 : 1500);
      database.prepare("INSERT OR REPLACE INTO item VALUES (?, randomblob(?))").run(from, bytes);
    } else if (dice < 0.75) {
      database
        .prepare("UPDATE item SET body = randomblob(length(body)) WHERE id BETWEEN ? AND ?")
        .run(from, from + 5);
    } else database.prepare("DELETE FROM item WHERE id BETWEEN ? AND ?").run(from, from + this.#below(30));
  }

  #below(limit: number): number {
    return Math.floor(this.#random() * limit);
  }
}
