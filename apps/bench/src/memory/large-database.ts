import { DatabaseSync } from "node:sqlite";

/** Makes a database of about `bytes` bytes with one table, `entries(id, name, body)`, of rows of about 500 bytes. */
export function createLargeDatabase(path: string, bytes: number): void {
  const db = new DatabaseSync(path);
  try {
    db.exec("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA page_size = 4096");
    db.exec("CREATE TABLE entries (id INTEGER PRIMARY KEY, name TEXT NOT NULL, body TEXT NOT NULL)");
    db.prepare(
      `WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < ?)
       INSERT INTO entries SELECT id, printf('entry %07d', id), printf('%.*c', 470, char(97 + id % 26)) FROM n`,
    ).run(Math.floor(bytes / 510));
  } finally {
    db.close();
  }
}
