import { readFileSync, writeFileSync } from "node:fs";
import { handlerAsFetch, syncHandler } from "@lacuna/server";
import { openServedFile } from "@lacuna/server/node";
import { describe, expect, it, onTestFinished } from "vitest";
import type { Report } from "../src/inspect/report.ts";
import { recordedOutput } from "./recorded-output.ts";
import { type RunOptions, run, start } from "./run.ts";
import { PEOPLE, temporaryDatabase } from "./temporary-database.ts";

const SAMPLE = `
  PRAGMA page_size = 1024;
  PRAGMA application_id = 0x4c61636e;
  CREATE TABLE person (id INTEGER PRIMARY KEY, name TEXT COLLATE NOCASE NOT NULL, photo BLOB);
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 400)
  INSERT INTO person SELECT i, 'person number ' || i, CASE WHEN i = 7 THEN zeroblob(5000) END FROM n;
  CREATE INDEX person_name ON person (name DESC);
  CREATE TABLE pair (a INT, b REAL, PRIMARY KEY (b, a)) WITHOUT ROWID, STRICT;
  CREATE VIEW names AS SELECT name FROM person;
  CREATE TABLE gone (x);
  INSERT INTO gone VALUES (zeroblob(9000));
  DROP TABLE gone;
`;

async function report(args: readonly string[], options: RunOptions = {}): Promise<Report> {
  const { code, out, err } = await run(["inspect", "--json", ...args], options);
  expect([code, err]).toEqual([0, ""]);
  return JSON.parse(out) as Report;
}

/** The number of the first leaf of a table. */
async function leafOf(file: string, tree: string): Promise<number> {
  const { pages = [] } = await report(["--pages", file]);
  const run = pages.find((each) => each.tree === tree && each.use.endsWith("leaf"));
  if (run === undefined) throw new Error(`there is no leaf of ${tree}`);
  return run.first;
}

describe("inspect of a local file", () => {
  it("tells header, schema, trees and space", async () => {
    const { header, schema, trees, space, notRead } = await report([temporaryDatabase(SAMPLE)]);
    expect(header).toMatchObject({ pageSize: 1024, textEncoding: "utf-8", applicationId: 0x4c61636e });
    expect(schema?.tables).toMatchObject([
      {
        name: "person",
        rowidAlias: "id",
        columns: [
          { name: "id", affinity: "INTEGER" },
          { name: "name", affinity: "TEXT", collation: "NOCASE", notNull: true },
          { name: "photo", affinity: "BLOB" },
        ],
      },
      { name: "pair", kind: "without rowid", strict: true, key: ["b", "a"] },
    ]);
    expect(schema?.indexes).toMatchObject([
      { name: "person_name", table: "person", columns: ["name COLLATE NOCASE DESC"] },
    ]);
    expect(schema?.views).toEqual(["names"]);
    const person = trees?.find(({ name }) => name === "person");
    expect(person).toMatchObject({ kind: "table", depth: 2, entries: 400, overflowPages: 4 });
    expect(person?.fill).toBeGreaterThan(0.5);
    expect(person?.fill).toBeLessThanOrEqual(1);
    expect(space?.freelistBytes).toBeGreaterThanOrEqual(9 * 1024);
    expect(Object.values(space?.uses ?? {}).reduce((sum, count) => sum + count, 0)).toBe(space?.pageCount);
    expect(notRead).toBeUndefined();
  });

  it("shows the same to people", async () => {
    const { code, out, err } = await run(["inspect", temporaryDatabase(SAMPLE)]);
    expect([code, err]).toEqual([0, ""]);
    expect(out).toMatch(/^Header\nfield +value\n/);
    expect(out).toContain("application id             1281450862 (0x4c61636e)\n");
    expect(out).toMatch(/Table person, root page 2\ncolumn +type +affinity +collation +notes\n/);
    expect(out).toMatch(/id +INTEGER +INTEGER +row id\n/);
    expect(out).toContain("Table pair, without rowid, root page");
    expect(out).toMatch(/person_name +person +\d+ +name COLLATE NOCASE DESC\n/);
    expect(out).toMatch(/\nTrees\ntree +kind +root +depth/);
    expect(out).toMatch(/\nSpace\n[\s\S]*on the freelist/);
  });

  it("tells what a page is", async () => {
    const file = temporaryDatabase(SAMPLE);
    const leaf = await leafOf(file, "person");
    const { page, ...rest } = await report(["--pages", String(leaf), file]);
    expect(rest).toEqual({});
    expect(page).toMatchObject({
      page: leaf,
      fileOffset: (leaf - 1) * 1024,
      use: "table-leaf",
      tree: "person",
      treeRoot: 2,
      parent: 2,
      problem: null,
    });
    expect(page?.cells[0]).toMatchObject({ cell: 0, rowid: 1, content: "NULL, 'person number 1', NULL" });
    const root = (await report([`--pages=2`, file])).page;
    expect(root).toMatchObject({ use: "table-interior", parent: null });
    expect(root?.cells[0]).toMatchObject({ child: leaf });
    const { out } = await run(["inspect", "--pages", String(leaf), file]);
    expect(out).toContain("use                 table-leaf\n");
    expect(out).toContain("'person number 1'");
  });

  it("says that there is no such page", async () => {
    const { code, err } = await run(["inspect", "--pages", "4711", temporaryDatabase(SAMPLE)]);
    expect([code, err.replace(/\d+ pages/, "N pages")]).toEqual([
      1,
      "error: there is no page 4711: the database has N pages\n",
    ]);
  });

  it("finds nothing in a sound database", async () => {
    const { code, out, err } = await run(["inspect", "--check", temporaryDatabase(SAMPLE)]);
    expect([code, out, err]).toEqual([0, "Check\nok: nothing contradicts the file format\n", ""]);
  });

  it("ends with 1 and tells page and offset where a database is damaged", async () => {
    const file = temporaryDatabase(SAMPLE);
    const leaf = await leafOf(file, "person");
    const bytes = readFileSync(file);
    bytes[(leaf - 1) * 1024] = 0x77;
    writeFileSync(file, bytes);
    const { code, out, err } = await run(["inspect", "--check", "--json", file]);
    const { check } = JSON.parse(out) as Report;
    expect(code).toBe(1);
    expect(check?.findings.find(({ page }) => page === leaf)).toMatchObject({ offset: 0 });
    expect(err).toMatch(/^error: the database is damaged: \d+ findings? \(CORRUPT_PAGE\)\n$/);
    const shown = await run(["inspect", "--check", file]);
    expect(shown.out).toMatch(/^Check\npage +offset +tree +finding\n/);
  });

  it("finds a schema that cannot be read", async () => {
    const file = temporaryDatabase(SAMPLE);
    const bytes = readFileSync(file);
    bytes[100] = 0x77;
    writeFileSync(file, bytes);
    const { code, out } = await run(["inspect", "--check", "--json", file]);
    expect(code).toBe(1);
    expect((JSON.parse(out) as Report).check?.findings[0]).toMatchObject({ page: 1, offset: 100 });
    expect((await run(["inspect", file])).err).toMatch(/CORRUPT_PAGE/);
  });

  it("finds a statement that no SQLite understands", async () => {
    const file = temporaryDatabase("CREATE TABLE t (x)");
    const bytes = readFileSync(file);
    bytes.write("CREATE TABLE t (x(", bytes.indexOf("CREATE TABLE t (x)"));
    writeFileSync(file, bytes);
    const { code, out } = await run(["inspect", "--check", "--json", file]);
    expect(code).toBe(1);
    expect((JSON.parse(out) as Report).check?.findings).toMatchObject([
      {
        page: 1,
        tree: "sqlite_schema",
        message: expect.stringMatching(/^the statement of t is not understood/),
      },
    ]);
  });

  it("shows no control characters of the database", async () => {
    const { out } = await run(["inspect", temporaryDatabase('CREATE TABLE "a\u001b[31mb" ("c\u0007d")')]);
    expect(out).not.toContain("\u001b");
    expect(out).not.toContain("\u0007");
  });

  it("of no bytes is an empty database", async () => {
    const file = temporaryDatabase("");
    expect(await report([file])).toMatchObject({ header: null });
    expect((await run(["inspect", "--check", file])).code).toBe(0);
  });
});

describe("inspect of a remote database", () => {
  async function remote(sql: string): Promise<{ fetch: typeof fetch; bytes: () => number }> {
    const served = await openServedFile(temporaryDatabase(sql, "people.db"));
    onTestFinished(() => served.close());
    const reach = handlerAsFetch(syncHandler({ database: served }), "http://server");
    let bytes = 0;
    return {
      bytes: () => bytes,
      fetch: async (input, init) => {
        const response = await reach(input, init);
        const body = new Uint8Array(await response.arrayBuffer());
        bytes += body.length;
        return new Response(body, response);
      },
    };
  }

  it.each(["http://server", "http://server/people.db"])(
    "brings few pages for header and schema: %s",
    async (url) => {
      const { fetch, bytes } = await remote(PEOPLE);
      const { schema, trees, notRead } = await report([url], { fetch });
      expect(schema?.tables.map(({ name }) => name)).toEqual(["people"]);
      expect(trees).toBeUndefined();
      expect(notRead).toBeGreaterThan(0);
      expect(bytes()).toBeLessThan(80_000);
      expect((await run(["inspect", url], { fetch })).out).toMatch(/--trees, --pages and --check bring/);
    },
  );

  it("brings the whole database for the rest, and shows how far it is on a terminal", async () => {
    const { fetch } = await remote(PEOPLE);
    let release = (): void => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    let requests = 0;
    const stderr = recordedOutput({ isTTY: true, columns: 100 });
    const running = start(["inspect", "--trees", "--json", "http://server"], {
      stderr,
      fetch: async (input, init) => {
        if (++requests > 2) await held;
        return fetch(input, init);
      },
    });
    await stderr.holds(/\d+ requests?, \d+ of \d+ pages/);
    release();
    expect(await running.code).toBe(0);
    const { trees } = JSON.parse(running.stdout.text()) as Report;
    expect(trees?.find(({ name }) => name === "people")).toMatchObject({ entries: 5001 });
  });
});
