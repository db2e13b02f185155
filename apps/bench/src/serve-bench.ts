import type { ChildProcess } from "node:child_process";
import { availableParallelism } from "node:os";
import { pageIndex, revision } from "@lacuna/page";
import { encodePullRequest } from "@lacuna/protocol";
import type { Bench, BenchResult } from "./bench.ts";
import { startProcess } from "./child-process.ts";
import { type LargeDatabase, withLargeDatabase } from "./large-database.ts";
import { measuresOf, type Served, servedBy } from "./serve/process-measures.ts";
import { RawClient } from "./serve/raw-client.ts";

const DATABASE_BYTES = 100_000_000;
const PAGE_BYTES = 4096;
const CLIENTS = 64;
const PAGES_EACH = 1000;
/** In the first ones programs are compiled and memory is asked for. */
const ROUNDS = 6;
const TIMES_EACH = 5;
const MAX_GROWTH_MIB = 8;

/**
 * How fast a server with a history gives pages away, on loopback, and beside it what `node:http` alone can do with a constant body
 * for the same client. The client is on the same machine and takes its part.
 */
export const serveBench: Bench = {
  name: "serve",
  summary: "100 MB of pages to one client, and single pages to 64 clients, over loopback",
  run: (say) => withLargeDatabase(DATABASE_BYTES, (database) => measure(database, say)),
};

interface Server extends Served {
  readonly child: ChildProcess;
}

/** Requests that a server is asked to answer. */
interface Load {
  readonly server: Server;
  readonly path: string;
  readonly body: (number: number) => Uint8Array;
}

interface Round {
  readonly bytesPerSecond: number;
  readonly cpuMsPer100Mb: number;
  readonly requestsPerSecond: number;
  readonly cpuMicrosecondsPerRequest: number;
  readonly rssMib: number;
  readonly youngMib: number;
}

async function measure(
  { path, bytes: fileBytes }: LargeDatabase,
  say: (line: string) => void,
): Promise<BenchResult> {
  const pageCount = fileBytes / PAGE_BYTES;
  const ours = await start("serving-process", path);
  const bare = await start("bare-process");
  try {
    const pageRequest = (number: number): Uint8Array => {
      const page = pageIndex((number * 104_729) % pageCount);
      const pages = [{ first: page, last: page }];
      return encodePullRequest({ serverRevision: revision(ours.revision), pages });
    };
    const empty = (): Uint8Array => new Uint8Array(0);
    const rows: (string | number)[][] = [];
    const ourRounds: Round[] = [];
    for (let round = 1; round <= ROUNDS; round++) {
      const bareRound = await measureRound(
        { server: bare, path: `/${fileBytes}`, body: empty },
        { server: bare, path: `/${PAGE_BYTES}`, body: pageRequest },
      );
      const ourRound = await measureRound(
        { server: ours, path: "/pull-updates", body: empty },
        { server: ours, path: "/pull-updates", body: pageRequest },
      );
      ourRounds.push(ourRound);
      rows.push(rowOf(round, "node:http alone", bareRound), rowOf(round, "lacuna", ourRound));
      say(`round ${round} of ${ROUNDS}`);
    }
    return {
      tables: [
        {
          title: `serving ${(fileBytes / 1e6).toFixed(0)} MB on ${availableParallelism()} cores`,
          columns: [
            "round",
            "server",
            "all pages MB/s",
            "CPU ms/100 MB",
            "single pages/s",
            "CPU us/request",
            "MiB",
            "of it young",
          ],
          rows,
        },
      ],
      bars: [
        {
          what: "growth of the server from the second round to the last, that of its young generation apart",
          found: grownMib(ourRounds[1], ourRounds.at(-1)),
          atMost: MAX_GROWTH_MIB,
          unit: "MiB",
        },
      ],
    };
  } finally {
    for (const { child } of [ours, bare]) if (child.connected) child.disconnect();
  }
}

/** How much larger a process became between two rounds. Room that the young generation gave up may still be counted as resident. */
function grownMib(from: Round | undefined, to: Round | undefined): number {
  if (from === undefined || to === undefined) throw new Error("BUG: a growth without rounds");
  return to.rssMib - from.rssMib - Math.max(0, to.youngMib - from.youngMib);
}

const rowOf = (round: number, name: string, found: Round): (string | number)[] => [
  round,
  name,
  found.bytesPerSecond / 1e6,
  found.cpuMsPer100Mb,
  found.requestsPerSecond,
  found.cpuMicrosecondsPerRequest,
  found.rssMib,
  found.youngMib,
];

async function start(name: string, ...args: string[]): Promise<Server> {
  const child = startProcess(new URL(`./serve/${name}.ts`, import.meta.url), { args });
  return { child, ...(await servedBy(child)) };
}

async function measureRound(whole: Load, single: Load): Promise<Round> {
  const { child } = whole.server;
  const before = await measuresOf(child);
  const bulk = await send(whole, 1, TIMES_EACH);
  const between = await measuresOf(child);
  const pages = await send(single, CLIENTS, CLIENTS * PAGES_EACH);
  const after = await measuresOf(child);
  return {
    bytesPerSecond: bulk.bytes / bulk.seconds,
    cpuMsPer100Mb: (between.cpuMicroseconds - before.cpuMicroseconds) / (bulk.bytes / 1e5),
    requestsPerSecond: (CLIENTS * PAGES_EACH) / pages.seconds,
    cpuMicrosecondsPerRequest: (after.cpuMicroseconds - between.cpuMicroseconds) / (CLIENTS * PAGES_EACH),
    rssMib: after.rssMib,
    youngMib: after.youngMib,
  };
}

/** Sends so many requests over so many connections, on each one after the other. */
async function send(
  { server, path, body }: Load,
  connections: number,
  requests: number,
): Promise<{ readonly bytes: number; readonly seconds: number }> {
  const client = new RawClient(server.port, connections);
  const started = performance.now();
  let bytes = 0;
  let next = 0;
  const work = async (): Promise<void> => {
    while (next < requests) bytes += await client.post(path, body(next++));
  };
  await Promise.all(Array.from({ length: connections }, work));
  const seconds = (performance.now() - started) / 1000;
  client.close();
  return { bytes, seconds };
}
