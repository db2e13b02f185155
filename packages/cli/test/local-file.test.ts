import { copyFileSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Report } from "../src/inspect/report.ts";
import { run } from "./run.ts";
import { temporaryDirectory } from "./temporary-database.ts";

const COUNT = "SELECT count(*) AS n, max(x) AS last FROM t";

/** A database that another connection has open in WAL mode, with commits that are not in the file yet. */
function inUse(): { readonly file: string; readonly writer: DatabaseSync } {
  const file = join(temporaryDirectory(), "in use.db");
  const writer = new DatabaseSync(file);
  onTestFinished(() => writer.close());
  writer.exec(
    "PRAGMA journal_mode = WAL; PRAGMA wal_autocheckpoint = 0; CREATE TABLE t(x INTEGER, y UNIQUE)",
  );
  writer.exec("PRAGMA wal_checkpoint(TRUNCATE)");
  writer.exec("INSERT INTO t VALUES (1, 'one'), (2, 'two'), (3, 'three')");
  expect(statSync(`${file}-wal`).size).toBeGreaterThan(0);
  return { file, writer };
}

const counted = async (file: string): Promise<unknown> => {
  const { code, out, err } = await run(["query", "--json", file, COUNT]);
  expect([code, err]).toEqual([0, ""]);
  return JSON.parse(out);
};

describe("a local file in WAL mode that somebody writes to", () => {
  it("is queried as it was committed last", async () => {
    const { file, writer } = inUse();
    expect(await counted(file)).toEqual([{ n: 3, last: 3 }]);
    writer.exec("BEGIN; INSERT INTO t VALUES (4, 'four')");
    expect(await counted(file)).toEqual([{ n: 3, last: 3 }]);
    writer.exec("COMMIT");
    expect(await counted(file)).toEqual([{ n: 4, last: 4 }]);
  });

  it("is inspected as it was committed last, and found sound", async () => {
    const { file } = inUse();
    const { code, out } = await run(["inspect", "--trees", "--json", file]);
    expect(code).toBe(0);
    const { trees } = JSON.parse(out) as Report;
    expect(trees?.find(({ name }) => name === "t")).toMatchObject({ entries: 3 });
    expect((await run(["inspect", "--check", file])).out).toBe(
      "Check\nok: nothing contradicts the file format\n",
    );
  });

  it("is not written to, and stays the writer's", async () => {
    const { file, writer } = inUse();
    const before = readFileSync(file);
    await counted(file);
    await run(["inspect", file]);
    expect(readFileSync(file).equals(before)).toBe(true);
    writer.exec("INSERT INTO t VALUES (5, 'five')");
    expect(writer.prepare("PRAGMA integrity_check").get()).toEqual({ integrity_check: "ok" });
  });

  it("is read from a log that a crash left behind", async () => {
    const { file } = inUse();
    const copy = join(temporaryDirectory(), "crashed.db");
    copyFileSync(file, copy);
    copyFileSync(`${file}-wal`, `${copy}-wal`);
    expect(await counted(copy)).toEqual([{ n: 3, last: 3 }]);
  });
});

describe("a local file with a journal that waits to be rolled back", () => {
  it("is read as it was before the transaction, which is told, and not touched", async () => {
    const directory = temporaryDirectory();
    const [file, copy] = [join(directory, "a.db"), join(directory, "b.db")];
    const writer = new DatabaseSync(file);
    onTestFinished(() => writer.close());
    writer.exec("PRAGMA cache_size = 2; CREATE TABLE t(x, y); INSERT INTO t VALUES (7, 'seven')");
    writer.exec(`BEGIN; WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 99)
      INSERT INTO t SELECT i, randomblob(900) FROM n; CREATE TABLE u(x); DELETE FROM t WHERE x = 7`);
    copyFileSync(file, copy);
    copyFileSync(`${file}-journal`, `${copy}-journal`);
    // A log as well: the journal comes first.
    writeFileSync(`${copy}-wal`, new Uint8Array(4096));
    const before = [readFileSync(copy), readFileSync(`${copy}-journal`)];
    expect(await counted(copy)).toEqual([{ n: 1, last: 7 }]);
    const { out } = await run(["inspect", "--json", copy]);
    const { hotJournal, schema, header } = JSON.parse(out) as Report;
    expect(hotJournal).toBe(`${copy}-journal`);
    expect(schema?.tables.map(({ name }) => name)).toEqual(["t"]);
    expect(header?.pageCount).toBe(2);
    const check = await run(["inspect", "--check", copy]);
    expect([check.code, check.out]).toEqual([
      0,
      expect.stringMatching(/^Journal\n.*b\.db-journal waits to be rolled back[\s\S]*\nok: nothing/),
    ]);
    expect([readFileSync(copy), readFileSync(`${copy}-journal`)]).toEqual(before);
    rmSync(`${copy}-journal`);
    rmSync(`${copy}-wal`);
    expect((await run(["inspect", copy])).out).not.toContain("rolled back");
  });
});
