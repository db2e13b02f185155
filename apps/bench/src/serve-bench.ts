import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { pageIndex, revision } from "@lacuna/page";
import { encodePullRequest } from "@lacuna/protocol";
import type { Bench, BenchResult } from "./bench.ts";
import { createLargeDatabase } from "./memory/large-database.ts";
import { RawClient } from "./serve/raw-client.ts";

const DATABASE_BYTES = 100_000_000;
const PAGE_BYTES = 4096;
const CLIENTS = 64;
const PAGES_EACH = 1000;
const ROUNDS = 3;

/** How fast a server with a history gives pages away, on loopback. The client is on the same machine and takes its part. */
export const serveBench: Bench = {
  name: "serve",
  summary: "100 MB of pages to one client, and single pages to 64 clients, over loopback",
  async run(say) {
    const directory = await mkdtemp(join(tmpdir(), "lacuna-serve-"));
    try {
      return await measure(directory, say);
    } finally {
      await rm(directory, { recursive: true, force: true });
    }
  },
};

async function measure(directory: string, say: (line: string) => void): Promise<BenchResult> {
  const file = join(directory, "large.db");
  createLargeDatabase(file, DATABASE_BYTES);
  const fileBytes = (await stat(file)).size;
  const child = fork(fileURLToPath(new URL("./serve/serving-process.ts", import.meta.url)), [file], {
    execArgv: ["--conditions=lacuna-source", "--no-warnings=ExperimentalWarning"],
  });
  try {
    const served = await message<{ port: number; revision: string }>(child);
    const start = await rss(child);
    const rates = await everything(served.port);
    const afterAll = await rss(child);
    for (const rate of rates) say(`all pages: ${rate.toFixed(0)} MB/s`);
    const perSecond = await singlePages(served.port, served.revision, fileBytes / PAGE_BYTES);
    const end = await rss(child);
    const again = await singlePages(served.port, served.revision, fileBytes / PAGE_BYTES);
    const endAgain = await rss(child);
    return {
      tables: [
        {
          title: `serving ${(fileBytes / 1e6).toFixed(0)} MB on ${availableParallelism()} cores`,
          columns: [
            "all pages MB/s",
            "single pages/s",
            "MiB at start",
            "MiB after all pages",
            "MiB after single pages",
            "MiB after as many again",
          ],
          rows: [[Math.max(...rates), Math.max(perSecond, again), start, afterAll, end, endAgain]],
        },
      ],
    };
  } finally {
    if (child.connected) child.disconnect();
  }
}

/** Fetches all pages a few times. @returns megabytes per second of each time */
async function everything(port: number): Promise<number[]> {
  const client = new RawClient(port, 1);
  const rates: number[] = [];
  for (let round = 0; round < ROUNDS; round++) {
    const started = performance.now();
    const bytes = await client.post("/pull-updates", new Uint8Array(0));
    rates.push(bytes / 1000 / (performance.now() - started));
  }
  client.close();
  return rates;
}

/** Fetches scattered pages of the revision, one to a request. @returns requests per second */
async function singlePages(port: number, name: string, pageCount: number): Promise<number> {
  const client = new RawClient(port, CLIENTS);
  const started = performance.now();
  const work = async (number: number): Promise<void> => {
    for (let i = 0; i < PAGES_EACH; i++) {
      const page = pageIndex((number * 7919 + i * 104_729) % pageCount);
      const pages = [{ first: page, last: page }];
      await client.post("/pull-updates", encodePullRequest({ serverRevision: revision(name), pages }));
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, (_, number) => work(number)));
  client.close();
  return (CLIENTS * PAGES_EACH * 1000) / (performance.now() - started);
}

/** The resident set of the server, in mebibytes. */
async function rss(child: ChildProcess): Promise<number> {
  child.send("memory");
  return (await message<{ rssBytes: number }>(child)).rssBytes / 2 ** 20;
}

/** @throws {Error} if the process ends before it says anything */
async function message<T>(child: ChildProcess): Promise<T> {
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`the server ended with code ${code}`);
  });
  const [found] = (await Promise.race([once(child, "message"), ended])) as [T];
  ended.catch(() => {});
  return found;
}
