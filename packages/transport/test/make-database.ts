import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";

const made = new Map<string, Uint8Array<ArrayBuffer>>();

/**
 * A database file made by SQLite: table `t(id INTEGER PRIMARY KEY, text)`, 60 rows, two to a page. Another seed gives
 * other rows in a file of the same length. Shared: never write to it.
 */
export function makeDatabase({ pageSize = 4096, seed = 1 } = {}): Uint8Array<ArrayBuffer> {
  const key = `${pageSize}/${seed}`;
  const file = made.get(key) ?? makeFile(pageSize, seed);
  made.set(key, file);
  return file;
}

function makeFile(pageSize: number, seed: number): Uint8Array<ArrayBuffer> {
  return withFolder((folder) => {
    const path = join(folder, "made.db");
    const db = new DatabaseSync(path);
    db.exec(`PRAGMA page_size = ${pageSize}; CREATE TABLE t(id INTEGER PRIMARY KEY, text); BEGIN`);
    const insert = db.prepare("INSERT INTO t VALUES (?, ?)");
    for (let id = 1; id <= 60; id++) {
      insert.run(id, `${seed}/${id} `.padEnd(Math.floor(pageSize * 0.4), `row ${id * seed} `));
    }
    db.exec("COMMIT");
    db.close();
    return new Uint8Array(readFileSync(path));
  });
}

/** Runs with a new folder that is removed afterwards. */
function withFolder<T>(use: (folder: string) => T): T {
  const folder = mkdtempSync(join(tmpdir(), "lacuna-transport-"));
  try {
    return use(folder);
  } finally {
    rmSync(folder, { recursive: true });
  }
}
