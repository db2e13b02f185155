import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pathToFileURL } from "node:url";
import { parseArgs } from "node:util";
import { syncHandler } from "@lacuna/server";
import { openServedFile } from "@lacuna/server/node";
import { type ConnectOptions, connect } from "lacuna";
import { canonicalRows, firstDifference, promisesOrder } from "./answer.ts";
import { SHARED_DATA_QUERIES } from "./shared-data-queries.ts";

/** A database and what to ask it, with the answers of the authority. */
interface Subject {
  readonly name: string;
  readonly file: string;
  readonly questions: readonly Question[];
}

interface Question {
  readonly sql: string;
  /** Takes `"text"` for a string. */
  readonly doubleQuotedStrings: boolean;
  readonly ordered: boolean;
  /** The rows; `undefined` if the statement must fail. */
  readonly expected: readonly string[] | undefined;
}

/** One way to open a database. */
interface Way {
  readonly driver: "jspi" | "restart";
  readonly segmentSize: number;
  readonly storage: "memory" | "file";
  readonly remote: "sync-server" | "static";
}

interface Outcome {
  readonly equal: number;
  readonly differences: readonly string[];
  readonly requests: number;
  readonly receivedBytes: number;
}

const ALL_WAYS: readonly Way[] = (["jspi", "restart"] as const).flatMap((driver) =>
  [4096, 131_072].flatMap((segmentSize) =>
    (["memory", "file"] as const).flatMap((storage) =>
      (["sync-server", "static"] as const).map((remote) => ({ driver, segmentSize, storage, remote })),
    ),
  ),
);

const nameOf = (way: Way): string =>
  `${way.driver.padEnd(7)} ${`${way.segmentSize / 1024}`.padStart(3)} KiB ${way.storage.padEnd(6)} ${way.remote.padEnd(11)}`;

/** Asks the authority: SQLite on the whole file. */
function ask(file: string, questions: readonly Omit<Question, "expected" | "ordered">[]): Question[] {
  const url = `${pathToFileURL(file).href}?mode=ro&immutable=1`;
  const authority = (enableDoubleQuotedStringLiterals: boolean): DatabaseSync =>
    new DatabaseSync(new URL(url), { readOnly: true, enableDoubleQuotedStringLiterals });
  const strict = authority(false);
  const lenient = authority(true);
  try {
    return questions.map((question) => {
      const ordered = promisesOrder(question.sql);
      const db = question.doubleQuotedStrings ? lenient : strict;
      try {
        const statement = db.prepare(question.sql);
        statement.setReadBigInts(true);
        statement.setReturnArrays(true);
        const rows = statement.all() as unknown as unknown[][];
        return { ...question, ordered, expected: canonicalRows(rows, ordered) };
      } catch {
        return { ...question, ordered, expected: undefined };
      }
    });
  } finally {
    strict.close();
    lenient.close();
  }
}

async function readSubjects(directory: string): Promise<Subject[]> {
  const subjects = Object.entries(SHARED_DATA_QUERIES).map(([name, queries]) => {
    const file = join(directory, "databases", name);
    return {
      name,
      file,
      questions: ask(
        file,
        queries.map((sql) => ({ sql, doubleQuotedStrings: false })),
      ),
    };
  });
  const lines = (await readFile(join(directory, "spider-de/queries.jsonl"), "utf8"))
    .trim()
    .split("\n")
    .slice(1);
  const spider = lines.map((line) => JSON.parse(line) as { db: string; sql: string; dqs?: boolean });
  for (const [db, queries] of Map.groupBy(spider, (query) => query.db)) {
    const file = join(directory, "spider-de", `${db}.sqlite`);
    const questions = ask(
      file,
      queries.map(({ sql, dqs = false }) => ({ sql, doubleQuotedStrings: dqs })),
    );
    subjects.push({ name: `spider ${db}`, file, questions });
  }
  return subjects;
}

async function run({ file, questions }: Subject, way: Way, scratch: string): Promise<Outcome> {
  const served = await openServedFile(file);
  const handler = syncHandler({ database: served });
  const differences: string[] = [];
  const totals = { equal: 0, requests: 0, receivedBytes: 0 };
  try {
    for (const doubleQuotedStrings of new Set(questions.map((question) => question.doubleQuotedStrings))) {
      const folder = await mkdtemp(join(scratch, "replica-"));
      const options: ConnectOptions = {
        path: way.storage === "file" ? join(folder, "replica.db") : ":memory:",
        url: way.remote === "static" ? `http://shared.test/${served.name}` : "http://shared.test",
        remote: way.remote,
        driver: way.driver,
        fetch: (input, init) => Promise.resolve(handler(new Request(input, init))),
        partialSync: { segmentSize: way.segmentSize },
        doubleQuotedStrings,
      };
      const db = await connect(options);
      try {
        for (const question of questions) {
          if (question.doubleQuotedStrings !== doubleQuotedStrings) continue;
          const difference = await compare(db, question);
          if (difference === undefined) totals.equal++;
          else differences.push(`${question.sql}\n      ${difference}`);
        }
        const stats = await db.stats();
        totals.requests += stats.requests;
        totals.receivedBytes += stats.networkReceivedBytes;
      } finally {
        await db.close();
        await rm(folder, { recursive: true });
      }
    }
  } finally {
    await served.close();
  }
  return { ...totals, differences };
}

async function compare(
  db: Awaited<ReturnType<typeof connect>>,
  { sql, ordered, expected }: Question,
): Promise<string | undefined> {
  let rows: unknown[][];
  try {
    const statement = await db.prepare(sql);
    rows = (await statement.raw().safeIntegers().all()) as unknown[][];
  } catch (error) {
    return expected === undefined ? undefined : `expected an answer, found ${String(error)}`;
  }
  if (expected === undefined) return `expected a failure, found ${rows.length} rows`;
  return firstDifference(expected, canonicalRows(rows, ordered));
}

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    options: { only: { type: "string" }, way: { type: "string" } },
    allowPositionals: true,
  });
  const [directory] = positionals;
  if (directory === undefined) {
    process.stderr.write("Usage: check-shared-data [--only DATABASE] [--way TEXT] DIRECTORY\n");
    process.exitCode = 2;
    return;
  }
  const subjects = (await readSubjects(resolve(directory))).filter(({ name }) =>
    name.includes(values.only ?? ""),
  );
  const ways = ALL_WAYS.filter((way) => nameOf(way).includes(values.way ?? ""));
  const scratch = await mkdtemp(join(tmpdir(), "lacuna-shared-"));
  const lines: string[] = [];
  let failures = 0;
  try {
    for (const way of ways) {
      process.stdout.write(`\n${nameOf(way)}\n`);
      const sum = { equal: 0, asked: 0, requests: 0, receivedBytes: 0, seconds: 0 };
      for (const subject of subjects) {
        const started = performance.now();
        const outcome = await run(subject, way, scratch);
        const seconds = (performance.now() - started) / 1000;
        const asked = subject.questions.length;
        process.stdout.write(`  ${subject.name.padEnd(38)} ${line({ ...outcome, asked, seconds })}\n`);
        for (const difference of outcome.differences) process.stdout.write(`    ${difference}\n`);
        sum.equal += outcome.equal;
        sum.asked += asked;
        sum.requests += outcome.requests;
        sum.receivedBytes += outcome.receivedBytes;
        sum.seconds += seconds;
      }
      lines.push(`  ${nameOf(way).padEnd(38)} ${line(sum)}`);
      failures += sum.asked - sum.equal;
    }
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
  const asked = subjects.reduce((sum, { questions }) => sum + questions.length, 0) * ways.length;
  process.stdout.write(
    `\nall databases\n${lines.join("\n")}\n\n${asked} answers compared, ${failures} differ\n`,
  );
  if (failures > 0) process.exitCode = 1;
}

interface Line {
  readonly equal: number;
  readonly asked: number;
  readonly requests: number;
  readonly receivedBytes: number;
  readonly seconds: number;
}

function line({ equal, asked, requests, receivedBytes, seconds }: Line): string {
  const cells = [
    `${equal}/${asked} equal`,
    `${requests} requests`,
    `${(receivedBytes / 2 ** 20).toFixed(1)} MiB`,
  ];
  return `${cells.map((cell) => cell.padEnd(15)).join(" ")} ${seconds.toFixed(1)} s`;
}

await main();
