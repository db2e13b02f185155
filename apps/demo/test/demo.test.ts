import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { describe, expect, it } from "vitest";
import { costTable } from "../src/table.ts";

const run = promisify(execFile);

describe("the demo", () => {
  it("answers six queries with a few per cent of the database, then again without a request, and syncs what was written offline", async () => {
    const main = new URL("../src/main.ts", import.meta.url).pathname;
    const { stdout } = await run(process.execPath, ["--conditions=lacuna-source", main]);
    const [, cold, warm, offline, writing] = stdout.split(/^(?:Cold|Warm|Offline|Writing): /m);
    const totals = [cold, warm, offline].map((part) => /^in all +(\d+) +(\d+)/m.exec(part ?? ""));
    expect(totals.map((total) => total?.[1])).toEqual(["151", "151", "151"]);
    expect(totals.map((total) => Number(total?.[2]) > 0)).toEqual([true, false, false]);
    const percent = Number(/^([\d.]+) % of the database travelled/m.exec(stdout)?.[1]);
    expect(percent).toBeGreaterThan(0);
    expect(percent).toBeLessThan(4);
    expect(writing).toContain('The phone, offline, wrote: "oat milk", "bread", "eggs".');
    expect(writing).toContain("Pushing fails with NETWORK; 2 changes wait.");
    expect(writing).toContain("and sends: 2 requests.");
    expect(writing).toContain(
      'The laptop pulls, its own note on top: "oat milk", "bread", "eggs", "of the laptop".',
    );
    expect(writing).toContain('The phone pulls: "oat milk", "bread", "eggs", "of the laptop".');
  });
});

describe("the table of costs", () => {
  it("adds up what the queries cost and cuts what is too long", () => {
    const cost = { rows: 1, requests: 2, pages: 3, bytes: 4000, percent: 0.5, milliseconds: 1 };
    const text = costTable([
      { query: "SELECT 1", ...cost },
      { query: "x".repeat(200), ...cost },
    ]);
    expect(text).toMatch(/^in all +2 +4 +6 +8,000 +1\.00 +2\.0$/m);
    expect(text).toContain(`${"x".repeat(73)}… `);
  });
});
