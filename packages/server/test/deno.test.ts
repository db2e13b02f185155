import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeDatabase } from "./database-fixture.ts";

// Where it is not installed the suite shows up as skipped; where it is said to be, it must run.
const named = process.env["LACUNA_DENO"];
const deno = named ?? "deno";
const hasDeno = named !== undefined || spawnSync(deno, ["--version"]).status === 0;

describe.runIf(hasDeno)("under Deno", () => {
  it("files, pages and SQL are served", { timeout: 60_000 }, () => {
    const { path } = makeDatabase({ journal: "wal", rows: 10 });
    const program = join(import.meta.dirname, "deno-program.ts");
    const args = ["run", "--allow-all", "--no-lock", "--conditions=lacuna-source", program, path];
    const { stdout, stderr } = spawnSync(deno, args, { encoding: "utf8", timeout: 50_000 });
    const last = stdout.trimEnd().split("\n").at(-1) ?? "";
    if (!last.startsWith("{")) throw new Error(`${stdout}\n${stderr}`);
    const found = JSON.parse(last) as { file: string; pages: number; sql: string };
    expect(found.file).toBe("SQLite format 3");
    expect(found.pages).toBeGreaterThan(4096);
    expect(found.sql).toContain('[[{"type":"integer","value":"9223372036854775807"}]]');
  });
});
