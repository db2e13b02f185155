import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync, type SQLInputValue } from "node:sqlite";
import { afterAll, expect, it } from "vitest";
import { type CapturedTransaction, openSqlite } from "../src/index.ts";
import { makeDatabase } from "./bytes-source.ts";
import { describeDrivers } from "./drivers.ts";
import { MemorySource } from "./memory-source.ts";
import { applyNullKeys, hasNullKeys } from "./null-key-changes.ts";
import { Dice, SCHEMA, writeScript } from "./write-script.ts";

const folder = mkdtempSync(join(tmpdir(), "lacuna-sqlite-"));
afterAll(() => rmSync(folder, { recursive: true }));
let files = 0;

/** The same bytes under the SQLite that comes with Node. */
function authority(bytes: Uint8Array): DatabaseSync {
  const path = join(folder, `${files++}.db`);
  writeFileSync(path, bytes);
  return new DatabaseSync(path, { enableForeignKeyConstraints: false });
}

function attempt(run: () => unknown): unknown {
  try {
    return run();
  } catch (error) {
    return errorText(error);
  }
}

function errorText(error: unknown): string {
  return `failed: ${(error as Error).message}`;
}

/** Everything in a database that a statement could see, but for the row ids of tables without a key. */
function contents(db: DatabaseSync): Record<string, unknown> {
  const schema = db
    .prepare(
      "SELECT type, name, tbl_name, sql FROM sqlite_schema WHERE name NOT LIKE 'sqlite_stat%' ORDER BY name",
    )
    .all() as { type: string; name: string }[];
  const rows = schema
    .filter(({ type }) => type === "table")
    .map(({ name }) => {
      const found = db.prepare(`SELECT * FROM "${name}"`).all();
      return [name, found.map((row) => JSON.stringify(row)).sort()];
    });
  return { schema, rows: Object.fromEntries(rows) };
}

/** Does again what a transaction did. Effects of triggers are among the changes, so they must not run once more. */
function replay(db: DatabaseSync, { items }: CapturedTransaction): void {
  for (const item of items) {
    if (item.kind === "ddl") db.exec(item.sql);
    else if (item.kind === "statement") db.prepare(item.sql).run(...(item.parameters as SQLInputValue[]));
    else {
      const triggers = db.prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'trigger'").all();
      for (const { name } of triggers) db.exec(`DROP TRIGGER ${name}`);
      if (hasNullKeys(item.bytes, "loose")) applyNullKeys(db, item.bytes);
      else expect(db.applyChangeset(item.bytes)).toBe(true);
      for (const { sql } of triggers) db.exec(String(sql));
    }
  }
}

const PRAGMAS = ["", "PRAGMA auto_vacuum = INCREMENTAL;"];

/** One long script, compared statement by statement. */
async function compare(seed: number, driver: "jspi" | "restart", statements: number): Promise<void> {
  const dice = new Dice(seed);
  const start = makeDatabase((db) => db.exec((PRAGMAS[seed % 2] ?? "") + SCHEMA));
  const odds = dice.pick([1, 2, 5, 1000]);
  const source = new MemorySource(start, { resident: (page) => (page * 7919 + seed) % odds === 0 });
  const expected = authority(start);
  const replayed = authority(start);
  const changes: CapturedTransaction[] = [];
  const db = await openSqlite({
    source,
    driver,
    cacheBytes: 65_536,
    capture: (transaction) => {
      changes.push(transaction);
      replay(replayed, transaction);
      return Uint8Array.of(changes.length);
    },
  });
  const ran: string[] = [];
  for (const sql of writeScript(dice, statements)) {
    ran.push(sql);
    const theirs = attempt(() => expected.prepare(sql).all());
    const ours = await db.all(sql).catch(errorText);
    const context = `seed ${seed}:\n${ran.slice(-12).join(";\n")}`;
    expect({ ours, transaction: db.inTransaction }, context).toEqual({
      ours: theirs,
      transaction: expected.isTransaction,
    });
    // It gives other row ids to the rows of tables without a key, and is no change.
    if (sql === "VACUUM" && Array.isArray(theirs)) replayed.exec(sql);
  }
  expect(await db.pragma("integrity_check")).toEqual([{ integrity_check: "ok" }]);
  await db.close();
  expect([source.held, source.writers]).toEqual([0, 0]);
  const stored = authority(source.bytes());
  expect(stored.prepare("PRAGMA integrity_check").all()).toEqual([{ integrity_check: "ok" }]);
  expect(contents(stored)).toEqual(contents(expected));
  expect(contents(replayed)).toEqual(contents(expected));
  for (const each of [expected, replayed, stored]) each.close();
}

describeDrivers("writing", (driver) => {
  it.each([1, 2, 3, 4, 5, 6])(
    "equals SQLite's own answers and database, and is recorded whole: seed %i",
    async (seed) => {
      await compare(seed, driver, 110);
    },
  );
});
