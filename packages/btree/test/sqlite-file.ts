import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { type PageNo, pageNo } from "@lacuna/page";
import { type DatabaseHeader, parseDatabaseHeader } from "../src/index.ts";

/** A database file in memory, made by the real SQLite. */
export interface SqliteFile {
  readonly bytes: Uint8Array;
  readonly header: DatabaseHeader;
  readonly pageCount: number;
  page(page: number): Uint8Array;
  peek(page: PageNo): Uint8Array;
}

/** Cuts the bytes of a database file into pages. */
export function sqliteFile(bytes: Uint8Array): SqliteFile {
  const header = parseDatabaseHeader(bytes);
  const { pageSize } = header;
  const peek = (page: PageNo): Uint8Array => bytes.subarray((page - 1) * pageSize, page * pageSize);
  return { bytes, header, pageCount: bytes.length / pageSize, peek, page: (page) => peek(pageNo(page)) };
}

/** Runs `work` in a temporary directory that is gone afterwards. */
export function inTemporaryDirectory<T>(work: (directory: string) => T): T {
  const directory = mkdtempSync(join(tmpdir(), "lacuna-btree-"));
  try {
    return work(directory);
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Makes a database by SQL, or by whatever `build` does to the open connection. */
export function makeDatabase(build: string | ((db: DatabaseSync) => void)): SqliteFile {
  return inTemporaryDirectory((directory) => {
    const path = join(directory, "made.db");
    const db = new DatabaseSync(path);
    // Nobody pulls the plug on a test.
    db.exec("PRAGMA synchronous = OFF");
    if (typeof build === "string") db.exec(build);
    else build(db);
    db.close();
    // A Buffer's slice() is a view; tests want copies.
    return sqliteFile(new Uint8Array(readFileSync(path)));
  });
}

/** SQL for a table of one column `value` that counts from 1 to `last`. */
export function series(last: number): string {
  return `(WITH RECURSIVE s(value) AS (SELECT 1 UNION ALL SELECT value + 1 FROM s WHERE value < ${last}) SELECT value FROM s)`;
}
