import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { decodePull, generationOf, postPull, pull, temporaryDirectory } from "./database-fixture.ts";
import { type Answer, execute } from "./sql-fixture.ts";

const DISK_BYTES = 3 << 20;
const BALLAST_BYTES = 1 << 20;

/** Runs a command with a disk of its own at a directory: as root, or in a name space where it may mount. */
const ON_SMALL_DISK = `mount -t tmpfs -o size=${DISK_BYTES} tmpfs "$0" && exec "$@"`;
const WAYS = [
  ["unshare", "-m"],
  ["unshare", "-U", "-r", "-m"],
];
const way =
  process.platform === "linux"
    ? WAYS.find(([command = "", ...args]) => {
        const probe = [...args, "sh", "-c", ON_SMALL_DISK, "/mnt", "true"];
        return spawnSync(command, probe).status === 0;
      })
    : undefined;

interface Disk {
  readonly child: ChildProcess;
  readonly fetch: typeof fetch;
  /** The code that refused, or nothing. */
  run(...statements: string[]): Promise<string | undefined>;
}

async function start(command: readonly string[], directory: string, ballastBytes: number): Promise<Disk> {
  const program = join(import.meta.dirname, "full-disk-process.ts");
  const [name = "", ...args] = command;
  const node = [process.execPath, "--conditions=lacuna-source", "--no-warnings", program];
  const child = spawn(name, [...args, ...node, directory, String(ballastBytes)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  onTestFinished(async () => {
    const exit = once(child, "exit");
    child.disconnect();
    await exit;
  });
  const ended = once(child, "exit").then(([code, signal]) => {
    throw new Error(`the server ended before it served: ${code ?? signal}`);
  });
  const [url] = await Promise.race([once(child, "message"), ended]);
  ended.catch(() => {});
  const reach: typeof fetch = (to, init) => fetch(new URL(new URL(String(to)).pathname, String(url)), init);
  return {
    child,
    fetch: reach,
    run: async (...statements) => {
      const requests = statements.map((sql) => execute(sql));
      const response = await reach("http://server/v2/pipeline", {
        method: "POST",
        body: JSON.stringify({ requests }),
      });
      const answer = (await response.json()) as Answer;
      return response.ok ? answer.results?.find(({ error }) => error)?.error?.code : answer.code;
    },
  };
}

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

/** Commits generations until one is refused, and some more; checks what is served after each. */
async function fill({ fetch: reach, run }: Disk): Promise<{ last: number; codes: Set<string> }> {
  const codes = new Set<string>();
  const named = new Map<string, string>();
  let last = 0;
  for (let generation = 1, left = 8; left > 0 && generation < 400; generation++) {
    if (codes.size > 0) left--;
    // All rows carry the number of the last commit, and every commit adds some.
    const refused = await run(
      "BEGIN IMMEDIATE",
      `WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 40)
       INSERT INTO t SELECT NULL, 0, hex(randomblob(400)) FROM n`,
      `UPDATE t SET generation = ${generation}`,
      "COMMIT",
    );
    if (refused === undefined) last = generation;
    else codes.add(refused);
    const { header, file } = await pull(reach);
    expect(generationOf(file)).toBe(last);
    named.set(header.serverRevision, hashOf(file));
  }
  for (const [name, hash] of named) {
    const response = await postPull(reach, { serverRevision: name });
    if (response.status === 410) await response.body?.cancel();
    else expect(hashOf((await decodePull(response)).file)).toBe(hash);
  }
  return { last, codes };
}

describe.runIf(way !== undefined)("on a disk that is full", () => {
  it("commits are refused, nothing is lost, all is served, and it goes on when there is room", async () => {
    const directory = temporaryDirectory();
    const disk = await start(
      [...(way ?? []), "sh", "-c", ON_SMALL_DISK, directory],
      directory,
      BALLAST_BYTES,
    );
    const { last, codes } = await fill(disk);
    expect(last).toBeGreaterThan(1);
    expect([...codes]).toEqual(["SQLITE_FULL"]);
    disk.child.send("make room");
    await once(disk.child, "message");
    expect(await disk.run(`UPDATE t SET generation = ${last + 1}`)).toBeUndefined();
    expect(generationOf((await pull(disk.fetch)).file)).toBe(last + 1);
  }, 120_000);
});

describe.runIf(process.platform === "linux")("where files may not grow", () => {
  it("commits are refused, nothing is lost, and all is served", async () => {
    const directory = temporaryDirectory();
    const limited = ["sh", "-c", 'ulimit -f 2000 && exec "$@"', "sh"];
    const { last, codes } = await fill(await start(limited, directory, 0));
    expect(last).toBeGreaterThan(1);
    expect([...codes].filter((code) => !/^SQLITE_(FULL|IOERR)/.test(code))).toEqual([]);
    expect(codes.size).toBeGreaterThan(0);
  }, 120_000);
});
