import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { OpenWriter, WriteSystem } from "./write-systems.ts";

/** How much is written. */
export interface WriteSizes {
  /** Rows inserted, and updated, in a transaction each. */
  readonly single: number;
  /** Rows inserted in one transaction. */
  readonly bulk: number;
}

/** Rows in a second. */
export interface WriteRates {
  readonly inserts: number;
  readonly updates: number;
  /** In one transaction, a call for each row. */
  readonly bulk: number;
  /** In one statement. */
  readonly statement: number;
}

const TABLE = "CREATE TABLE note(id INTEGER PRIMARY KEY, body TEXT NOT NULL, at INTEGER)";
const INSERT = "INSERT INTO note(body, at) VALUES (?, ?)";
const bodyOf = (i: number): string => `note ${i} of somebody who writes`;

export async function measureRates(system: WriteSystem, sizes: WriteSizes): Promise<WriteRates> {
  const directory = await mkdtemp(join(tmpdir(), "lacuna-bench-"));
  try {
    const db = await system.open(directory);
    try {
      return await ratesOf(db, sizes);
    } finally {
      await db.close();
    }
  } finally {
    await rm(directory, { recursive: true, force: true });
  }
}

async function ratesOf(db: OpenWriter, { single, bulk }: WriteSizes): Promise<WriteRates> {
  await db.exec(TABLE);
  const insert = await db.prepare(INSERT);
  const update = await db.prepare("UPDATE note SET body = ? WHERE id = ?");
  // The first ones are the time that compilers take.
  for (let i = 0; i < single / 10; i++) await insert(bodyOf(i), i);
  const inserts = await rate(single, async () => {
    for (let i = 0; i < single; i++) await insert(bodyOf(i), i);
  });
  const updates = await rate(single, async () => {
    for (let i = 0; i < single; i++) await update(bodyOf(-i), (i * 7919) % single);
  });
  const rows = await rate(bulk, async () => {
    await db.exec("BEGIN");
    for (let i = 0; i < bulk; i++) await insert(bodyOf(i), i);
    await db.exec("COMMIT");
  });
  const statement = await rate(bulk, async () => {
    await db.exec(
      `INSERT INTO note(body, at) SELECT body, at FROM note WHERE id <= (SELECT max(id) FROM note) LIMIT ${bulk}`,
    );
  });
  return { inserts, updates, bulk: rows, statement };
}

async function rate(rows: number, work: () => Promise<void>): Promise<number> {
  const began = performance.now();
  await work();
  return (rows / (performance.now() - began)) * 1000;
}
