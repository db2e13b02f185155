import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { openNodeStore } from "@lacuna/storage/node";
import { afterEach, beforeEach, describe, expect, it } from "vitest";

let directory: string;
let path: string;
const children: ChildProcess[] = [];

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "lacuna-processes-"));
  path = join(directory, "app.db");
});
afterEach(async () => {
  for (const child of children.splice(0)) await killed(child);
  rmSync(directory, { recursive: true, force: true });
});

/** Runs a program of this directory on `path`; its lines come one at a time. */
function run(name: string): { child: ChildProcess; lines: AsyncIterator<string> } {
  const child = spawn(
    process.execPath,
    ["--conditions=lacuna-source", "--no-warnings", join(import.meta.dirname, name), path],
    { stdio: ["pipe", "pipe", "inherit"] },
  );
  children.push(child);
  if (child.stdout === null) throw new Error("the child has no output");
  return { child, lines: createInterface(child.stdout)[Symbol.asyncIterator]() };
}

async function killed(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const exit = once(child, "exit");
  child.kill("SIGKILL");
  await exit;
}

describe("a replica of a process that is killed", () => {
  it("can be taken over at once, with every page it was promised, each whole", async () => {
    for (const puts of [1, 37, 140]) {
      const { child, lines } = run("putting-child.ts");
      let promised = 0;
      for (let line = 0; line < puts; line++)
        promised = Math.max(promised, Number((await lines.next()).value));
      await expect(openNodeStore({ path })).rejects.toMatchObject({ code: "LOCKED" });
      await killed(child);

      const store = await openNodeStore({ path });
      const resident = [...store.resident()];
      // Those of a batch being replaced when it was killed may be missing.
      expect(resident.length).toBeGreaterThanOrEqual(promised - 50);
      const found = await store.get(resident);
      for (const [i, page] of resident.entries()) {
        const expected = new Uint8Array(4096).fill(found[i]?.[4095] ?? 0);
        new DataView(expected.buffer).setUint32(0, page);
        expect(Buffer.compare(expected, found[i] ?? new Uint8Array())).toBe(0);
      }
      await store.close();
      expect(readdirSync(directory).sort()).toEqual(["app.db", "app.db-info"]);
    }
  });
});

describe("processes that compete for a path", () => {
  it("leave it to one of them, also over the lock of one that is gone", async () => {
    await (await openNodeStore({ path })).close();
    writeFileSync(`${path}-lock`, JSON.stringify({ pid: 2 ** 30, started: "", token: "ab12" }));
    const competitors = [1, 2, 3].map(() => run("locking-child.ts"));
    for (const { lines } of competitors) expect((await lines.next()).value).toBe("ready");
    for (const { child } of competitors) child.stdin?.write("go\n");
    const answers: string[] = [];
    for (const { lines } of competitors) answers.push((await lines.next()).value);
    expect(answers.toSorted()).toEqual(["LOCKED", "LOCKED", "owner"]);

    const owner = competitors[answers.indexOf("owner")]?.child;
    const refused = await openNodeStore({ path }).catch((error: unknown) => error);
    expect(refused).toMatchObject({ code: "LOCKED" });
    expect(String(refused)).toContain(`process ${owner?.pid} `);
    expect(JSON.parse(readFileSync(`${path}-lock`, "utf8"))).toMatchObject({ pid: owner?.pid });
    for (const { child } of competitors) {
      const exit = once(child, "exit");
      child.stdin?.end();
      await exit;
    }
    await (await openNodeStore({ path })).close();
  });
});
