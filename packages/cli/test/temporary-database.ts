import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { onTestFinished } from "vitest";

/** A directory that is gone when the test is over. */
export function temporaryDirectory(): string {
  const directory = mkdtempSync(join(tmpdir(), "lacuna-cli-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  return directory;
}

/** A database file made by SQLite, gone when the test is over. */
export function temporaryDatabase(sql: string, name = "test.db"): string {
  const file = join(temporaryDirectory(), name);
  const db = new DatabaseSync(file);
  db.exec(sql);
  db.close();
  return file;
}

/** 5,000 people on about sixty pages. */
export const PEOPLE = `
  PRAGMA page_size = 4096;
  CREATE TABLE people (id INTEGER PRIMARY KEY, name TEXT, age INTEGER, score REAL, photo BLOB);
  WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 5000)
  INSERT INTO people SELECT id, 'person ' || id, id % 90, id / 4.0, zeroblob(20) FROM n;
  INSERT INTO people VALUES (9007199254740993, 'Zoë "Z", née 張', NULL, 1.0, x'00ff');
`;
