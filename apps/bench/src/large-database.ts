import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

/** A database that is larger than what a process should take of memory. */
export interface LargeDatabase {
  readonly path: string;
  readonly bytes: number;
  /** For what is made besides; removed with the database. */
  readonly directory: string;
}

/** Makes a large database in a directory of its own, and removes both when it was used. */
export async function withLargeDatabase<T>(
  bytes: number,
  use: (database: LargeDatabase) => Promise<T>,
): Promise<T> {
  const directory = await mkdtemp(join(tmpdir(), "lacuna-bench-"));
  try {
    const path = join(directory, "large.db");
    createLargeDatabase(path, bytes);
    return await use({ path, bytes: (await stat(path)).size, directory });
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

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
