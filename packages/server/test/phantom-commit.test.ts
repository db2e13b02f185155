import { execFileSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { generationOf, makeDatabase, serve, temporaryDirectory } from "./database-fixture.ts";
import { bytesAt, newestOf } from "./history-fixture.ts";

/**
 * Leaves the log as a writer does that is killed when all frames of a commit are there and the shared memory does not tell of
 * them yet: SQLite never counts them, and the next writer writes over them. In a process of its own, since who closes a
 * file gives up the locks that its process has on it.
 */
function killedWriter(path: string, sql: string): void {
  const copy = join(temporaryDirectory(), "copy.db");
  const program = `
    const { copyFileSync, openSync, readFileSync, statSync, writeSync } = require("node:fs");
    const { DatabaseSync } = require("node:sqlite");
    const [path, copy, sql] = process.argv.slice(1);
    for (const end of ["", "-wal"]) copyFileSync(path + end, copy + end);
    const before = statSync(copy + "-wal").size;
    const writer = new DatabaseSync(copy);
    writer.exec("PRAGMA wal_autocheckpoint=0");
    writer.exec(sql);
    const frames = readFileSync(copy + "-wal").subarray(before);
    if (frames.length === 0) throw new Error("nothing was appended to the log");
    writeSync(openSync(path + "-wal", "r+"), frames, 0, frames.length, before);`;
  execFileSync(process.execPath, ["-e", program, path, copy, sql]);
}

const MADE = "UPDATE t SET generation = 99";

describe.each([
  ["with a history", true],
  ["without a history", false],
])("a commit that a killed writer did not finish, %s", (_, history) => {
  it("is not shown, and the commits after it are", async () => {
    const { path, commit } = makeDatabase({ journal: "wal" });
    commit(1);
    const file = await serve(path, { history });
    const before = await newestOf(file);
    killedWriter(path, MADE);
    expect(await newestOf(file)).toBe(before);
    expect(generationOf(await bytesAt(file))).toBe(1);
    commit(2);
    expect(generationOf(await bytesAt(file))).toBe(2);
    commit(3);
    expect(generationOf(await bytesAt(file))).toBe(3);
  });

  it("counts once SQLite counts it, after everybody has closed the database", async () => {
    const { path, commit, writer } = makeDatabase({ journal: "wal" });
    commit(1);
    killedWriter(path, MADE);
    expect(writer.prepare("SELECT DISTINCT generation AS g FROM t").get()).toEqual({ g: 1 });
    const file = await serve(path, { history });
    expect(generationOf(await bytesAt(file))).toBe(1);
  });
});
