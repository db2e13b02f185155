import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import { TracedDatabase } from "../src/prefetch/bound/traced-database.ts";
import type { Statement, Workload } from "../src/prefetch/workloads/workload.ts";

/** Pages 1 and 2 are the schema and the table's root; of these, opening brings the first. */
const PREFIX_BYTES = 4096;

function made(sql: string): TracedDatabase {
  const directory = mkdtempSync(join(tmpdir(), "lacuna-bench-"));
  onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
  const path = join(directory, "made.db");
  const db = new DatabaseSync(path);
  db.exec(`PRAGMA page_size = 4096; ${sql}`);
  db.close();
  return new TracedDatabase(path);
}

/** 40 rows of a page each under one root, and an index of three levels that says where a name is. */
const ROWS = `CREATE TABLE t(id INTEGER PRIMARY KEY, name, filler);
  CREATE INDEX t_name ON t(name);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
    INSERT INTO t SELECT i, printf('%0900d', i * 7 % 40), zeroblob(3000) FROM n`;

const workload = (statements: readonly Statement[], more: Partial<Workload> = {}): Workload => ({
  id: "w",
  name: "w",
  database: "messages",
  statements,
  ...more,
});

const one = { sql: "SELECT length(filler) FROM t WHERE id = 3" };
const other = { sql: "SELECT length(filler) FROM t WHERE id = 33" };

describe("the lower bound", () => {
  it("counts the pages SQLite touches, and one level for each step down a tree", async () => {
    const bound = await made(ROWS).boundOf(workload([one]), PREFIX_BYTES);
    expect(bound).toEqual({ pages: 2, bytes: 8192, levels: 2 });
  });

  it("needs nothing that came at opening or before", async () => {
    const traced = made(ROWS);
    expect(await traced.boundOf(workload([one]), 4_000_000)).toEqual({ pages: 0, bytes: 0, levels: 0 });
    expect(await traced.boundOf(workload([one], { before: [one] }), PREFIX_BYTES)).toMatchObject({
      pages: 0,
    });
    expect(await traced.boundOf(workload([other], { before: [one] }), PREFIX_BYTES)).toMatchObject({
      pages: 1,
      levels: 1,
    });
  });

  it("adds up the levels of statements in turn, and not those of statements at once", async () => {
    const traced = made(ROWS);
    expect(await traced.boundOf(workload([one, other]), PREFIX_BYTES)).toMatchObject({ pages: 3, levels: 3 });
    const atOnce = await traced.boundOf(workload([one, other], { atOnce: true }), PREFIX_BYTES);
    expect(atOnce).toMatchObject({ pages: 3, levels: 2 });
  });

  it("takes all leaves for one level, however many they are", async () => {
    const scan = { sql: "SELECT sum(length(filler)) FROM t" };
    expect(await made(ROWS).boundOf(workload([scan]), PREFIX_BYTES)).toMatchObject({ pages: 41, levels: 2 });
  });

  it("puts the rows after the leaf of the index that names them, and the root of the table beside that of the index", async () => {
    const byName = { sql: "SELECT length(filler) FROM t WHERE name = printf('%0900d', 3)" };
    expect(await made(ROWS).boundOf(workload([byName]), PREFIX_BYTES)).toMatchObject({ pages: 5, levels: 4 });
  });

  it("takes a chain of overflow pages for one level behind its cell", async () => {
    const traced = made("CREATE TABLE b(data); INSERT INTO b VALUES (randomblob(40000))");
    const blob = { sql: "SELECT data FROM b" };
    expect(await traced.boundOf(workload([blob]), PREFIX_BYTES)).toMatchObject({ pages: 10, levels: 2 });
  });
});
