import { DatabaseSync } from "node:sqlite";
import { expect } from "vitest";
import { ITEMS, MARKS, type Seen } from "../commit-model.ts";

/** What a whole file holds, once it is found sound. */
export function seenInFile(path: string): Seen {
  const database = new DatabaseSync(path);
  try {
    expect(database.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
    return seenBy(database);
  } finally {
    database.close();
  }
}

export function seenBy(database: DatabaseSync): Seen {
  const marks = database.prepare(MARKS).all();
  const items = database.prepare(ITEMS).all();
  return {
    marks: marks.map(({ writer, version }) => ({ writer: Number(writer), version: Number(version) })),
    items: items.map(({ id, body }) => ({ id: Number(id), body: String(body) })),
  };
}
