import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { isLacunaError } from "@lacuna/page";
import { expect, it, onTestFinished } from "vitest";
import { openServedFile, type ServedFile } from "../src/node/index.ts";
import { generationOf, makeDatabase } from "./database-fixture.ts";
import { bytesAt, newestOf } from "./history-fixture.ts";

/** Crashes of each kind; `test:crash` asks for more. */
const ROUNDS = Number(process.env["LACUNA_CRASH_ROUNDS"] ?? 5);
const TIMEOUT_MS = Math.max(600_000, ROUNDS * 30_000);

interface Told {
  readonly committed: number;
  readonly name: string;
  readonly hash: string;
}

/** Serves until the process has told of so many revisions, and kills it. */
async function serveAndCrash(path: string, commits: number, count: number): Promise<Told[]> {
  const told: Told[] = [];
  const child = fork(join(import.meta.dirname, "crash-process.ts"), [path, String(commits)], {
    execArgv: ["--conditions=lacuna-source", "--no-warnings"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  child.on("message", (message: Told) => {
    told.push(message);
    if (told.length === count) child.kill("SIGKILL");
  });
  await once(child, "exit");
  expect(child.signalCode).toBe("SIGKILL");
  return told;
}

async function isAsTold(file: ServedFile, { name, hash }: Told): Promise<boolean | undefined> {
  try {
    return (
      createHash("sha256")
        .update(await bytesAt(file, name))
        .digest("hex") === hash
    );
  } catch (error) {
    if (isLacunaError(error, "REVISION_CHANGED")) return undefined;
    throw error;
  }
}

it(
  "after a crash serves the last commit, and every revision that it named",
  async () => {
    const { path, writer } = makeDatabase({ journal: "wal", rows: 60 });
    writer.close();
    const told: Told[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      told.push(...(await serveAndCrash(path, 1 + (round % 3), 2 + ((round * 7) % 23))));
      const file = await openServedFile(path, { history: true });
      expect(generationOf(await bytesAt(file))).toBeGreaterThanOrEqual(told.at(-1)?.committed ?? 0);
      for (const one of told.slice(-60)) expect(await isAsTold(file, one)).toBe(true);
      await file.close();
    }
    expect(new Set(told.map(({ name }) => name)).size).toBe(told.length);
  },
  TIMEOUT_MS,
);

it(
  "after a crash never gives a revision other content, though another process writes on",
  async () => {
    const { path, writer } = makeDatabase({ journal: "wal", rows: 60 });
    writer.close();
    const other: ChildProcess = fork(join(import.meta.dirname, "writer-process.ts"), [path, "1"]);
    onTestFinished(() => void other.kill("SIGKILL"));
    await once(other, "message");
    const told: Told[] = [];
    for (let round = 0; round < ROUNDS; round++) {
      told.push(...(await serveAndCrash(path, round % 2, 2 + ((round * 5) % 17))));
      const file = await openServedFile(path, { history: true });
      expect(generationOf(await bytesAt(file))).toBeGreaterThanOrEqual(told.at(-1)?.committed ?? 0);
      for (const one of told.slice(-60)) expect(await isAsTold(file, one)).not.toBe(false);
      const name = await newestOf(file);
      const generation = generationOf(await bytesAt(file, name));
      await file.close();
      const again = await openServedFile(path, { history: true });
      // The other process may have made it impossible to know; then it is refused.
      const bytes = await bytesAt(again, name).catch(() => undefined);
      if (bytes !== undefined) expect(generationOf(bytes)).toBe(generation);
      await again.close();
    }
    other.send("stop");
    await once(other, "exit");
  },
  TIMEOUT_MS,
);
