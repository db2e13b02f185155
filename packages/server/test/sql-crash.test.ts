import { type ChildProcess, fork } from "node:child_process";
import { createHash } from "node:crypto";
import { once } from "node:events";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect, it, onTestFinished } from "vitest";
import { decodePull, postPull, pull, temporaryDirectory } from "./database-fixture.ts";
import { randomNumbers } from "./random-numbers.ts";
import { type Answer, execute } from "./sql-fixture.ts";

/** Crashes; `test:crash` asks for more. */
const ROUNDS = Number(process.env["LACUNA_CRASH_ROUNDS"] ?? 10);
const WRITERS = 3;

interface Running {
  readonly child: ChildProcess;
  readonly fetch: typeof fetch;
  pipeline(requests: readonly unknown[], baton?: string | null): Promise<Answer>;
}

interface Named {
  readonly name: string;
  readonly hash: string;
}

/** What clients of a server know for certain: whatever happens to the server, it stays so. */
class Known {
  /** Of each writer, the numbers of its acknowledged commits. */
  readonly acknowledged: Set<number>[] = Array.from({ length: WRITERS }, () => new Set());
  readonly named: Named[] = [];
  /** Of each writer, the number of the last commit that was tried. */
  readonly tried: number[] = Array.from({ length: WRITERS }, () => 0);
}

async function start(path: string): Promise<Running> {
  const child = fork(join(import.meta.dirname, "sql-crash-process.ts"), [path], {
    execArgv: ["--conditions=lacuna-source", "--no-warnings"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = once(child, "exit").then(([code, signal]) => {
    throw new Error(`the server ended before it served: ${code ?? signal}`);
  });
  const [url] = await Promise.race([once(child, "message"), ended]);
  const reach: typeof fetch = (to, init) => fetch(new URL(new URL(String(to)).pathname, String(url)), init);
  return {
    child,
    fetch: reach,
    pipeline: async (requests, baton = null) => {
      const response = await reach("http://server/v2/pipeline", {
        method: "POST",
        body: JSON.stringify({ baton, requests }),
      });
      const answer = (await response.json()) as Answer;
      if (!response.ok) throw new Error(`status ${response.status}: ${answer.message}`);
      for (const { error } of answer.results ?? []) if (error !== undefined) throw new Error(error.message);
      return answer;
    },
  };
}

/** Each commit has two rows, of which one alone must never be seen. */
const rowsOf = (writer: number, number: number): unknown[] =>
  [0, 1].map((half) =>
    execute(`INSERT INTO entry VALUES (${writer}, ${number}, ${half}, hex(randomblob(600)))`),
  );

async function write(server: Running, known: Known, writer: number, random: () => number): Promise<void> {
  const number = (known.tried[writer] ?? 0) + 1;
  known.tried[writer] = number;
  const [one, other] = rowsOf(writer, number);
  if (random() < 0.5) {
    await server.pipeline([execute("BEGIN IMMEDIATE"), one, other, execute("COMMIT")]);
  } else {
    const { baton } = await server.pipeline([execute("BEGIN IMMEDIATE"), one]);
    await server.pipeline([other, execute("COMMIT"), { type: "close" }], baton ?? null);
  }
  known.acknowledged[writer]?.add(number);
}

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

async function noteNewest(server: Running, known: Known): Promise<void> {
  const { header, file } = await pull(server.fetch);
  known.named.push({ name: header.serverRevision, hash: hashOf(file) });
}

/** Lets clients commit until so many commits are acknowledged, and kills the process in the middle of the next. */
async function workAndCrash(server: Running, known: Known, random: () => number): Promise<void> {
  const { child } = server;
  const exit = once(child, "exit");
  let left = 3 + Math.floor(random() * 30);
  let killed = false;
  const work = async (writer: number): Promise<void> => {
    for (;;) {
      try {
        await write(server, known, writer, random);
        if (random() < 0.4) await noteNewest(server, known);
      } catch (error) {
        // Until it is killed, it answers.
        if (!killed) throw error;
        return;
      }
      left--;
      if (left > 0 || killed) continue;
      killed = true;
      setTimeout(() => child.kill("SIGKILL"), random() * 10);
    }
  };
  await Promise.all(known.acknowledged.map((_, writer) => work(writer)));
  await exit;
  expect(child.signalCode).toBe("SIGKILL");
}

/** Rows of the file as SQLite itself reads it. */
function query(path: string, sql: string): Record<string, unknown>[] {
  const database = new DatabaseSync(path, { timeout: 10_000 });
  try {
    return database.prepare(sql).all();
  } finally {
    database.close();
  }
}

function checkCommits(path: string, known: Known): void {
  expect(query(path, "PRAGMA integrity_check")).toEqual([{ integrity_check: "ok" }]);
  const commits = query(path, "SELECT writer, number, count(*) AS halves FROM entry GROUP BY writer, number");
  expect(commits.filter(({ halves }) => halves !== 2)).toEqual([]);
  const kept = new Set(commits.map(({ writer, number }) => `${writer}-${number}`));
  const lost = known.acknowledged.flatMap((numbers, writer) =>
    [...numbers].filter((number) => !kept.has(`${writer}-${number}`)),
  );
  expect(lost).toEqual([]);
}

/** How many of the latest names are refused. The others have what they had. */
async function countRefused(server: Running, known: Known): Promise<number> {
  let refused = 0;
  for (const { name, hash } of known.named.slice(-40)) {
    const response = await postPull(server.fetch, { serverRevision: name });
    if (response.status === 410) {
      refused++;
      await response.body?.cancel();
    } else expect(hashOf((await decodePull(response)).file)).toBe(hash);
  }
  return refused;
}

it(
  "after a crash under load has every acknowledged commit, and what it named is as it was",
  async () => {
    const path = join(temporaryDirectory(), "app.db");
    const database = new DatabaseSync(path);
    database.exec("PRAGMA journal_mode=WAL");
    database.exec("CREATE TABLE entry (writer, number, half, filler, PRIMARY KEY (writer, number, half))");
    database.close();
    const known = new Known();
    const random = randomNumbers(23);
    let refused = 0;
    let server = await start(path);
    for (let round = 0; round < ROUNDS; round++) {
      await workAndCrash(server, known, random);
      server = await start(path);
      refused += await countRefused(server, known);
      checkCommits(path, known);
    }
    const commits = known.acknowledged.reduce((sum, { size }) => sum + size, 0);
    expect(commits).toBeGreaterThanOrEqual(3 * ROUNDS);
    expect(known.named.length).toBeGreaterThan(0);
    // It may refuse, when it cannot know; to refuse everything would be easy.
    expect(refused).toBeLessThan(known.named.length);
    server.child.kill("SIGKILL");
    await once(server.child, "exit");
  },
  Math.max(1_800_000, ROUNDS * 60_000),
);
