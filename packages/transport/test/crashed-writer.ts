import { copyFile } from "node:fs/promises";
import { DatabaseSync } from "node:sqlite";

/**
 * Leaves the files at `target` as a writer's crash leaves them that changed every row of the database at `source`: half a
 * transaction in the file, and a journal that waits to be rolled back.
 */
export async function crashWriter(source: string, target: string, change = CHANGE): Promise<void> {
  const db = new DatabaseSync(source);
  try {
    db.exec(`PRAGMA cache_size = 2; BEGIN; ${change}`);
    await copyFile(source, target);
    await copyFile(`${source}-journal`, `${target}-journal`);
    db.exec("ROLLBACK");
  } finally {
    db.close();
  }
}

const CHANGE = "UPDATE t SET text = upper(text) || 'half done'; INSERT INTO t(text) SELECT text FROM t";
