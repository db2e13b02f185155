import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bench, BenchResult } from "./bench.ts";
import { createLargeDatabase } from "./memory/large-database.ts";
import type { MemoryGrowth } from "./memory/peak-memory.ts";
import type { ScanReport } from "./memory/scan-process.ts";
import { numberText } from "./result-text.ts";

const DATABASE_BYTES = 100_000_000;
const MEBIBYTE = 2 ** 20;

/** Reading a database that is far larger than the memory the reader may use. */
export const memoryBench: Bench = {
  name: "memory",
  summary:
    "the memory of a process that scans 100 MB with 16 MiB of cache, and of a second instance of SQLite",
  async run(say) {
    const directory = await mkdtemp(join(tmpdir(), "lacuna-memory-"));
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
  say(`made a database of ${(fileBytes / 1e6).toFixed(1)} MB`);
  // Server and client have processes of their own: neither this one nor the server is what is measured.
  const server = start("./memory/serve-process.ts", [file]);
  try {
    const { url } = await firstMessage<{ url: string }>(server);
    const client = start("./memory/scan-process.ts", [url, join(directory, "replica.db")]);
    const report = await firstMessage<ScanReport>(client);
    return result(report, fileBytes);
  } finally {
    if (server.connected) server.disconnect();
  }
}

function result(report: ScanReport, fileBytes: number): BenchResult {
  const { scan, secondInstance } = report;
  const growth = (name: string, { resident, heap, buffers }: MemoryGrowth): (string | number)[] => [
    name,
    resident / MEBIBYTE,
    heap / MEBIBYTE,
    buffers / MEBIBYTE,
  ];
  const received = `${numberText(report.receivedBytes / MEBIBYTE)} MiB in ${report.requests} requests`;
  return {
    tables: [
      {
        title: `reading ${numberText(report.rows)} rows of ${numberText(fileBytes / MEBIBYTE)} MiB (${received})`,
        columns: ["growth at most, MiB", "resident set", "of it heap", "of it buffers"],
        rows: [growth("scan", scan), growth(`second instance (of ${report.instances})`, secondInstance)],
      },
    ],
    bars: [
      { what: "growth while scanning", found: scan.resident / MEBIBYTE, atMost: 64, unit: "MiB" },
      { what: "buffers kept after it", found: report.keptBufferBytes / MEBIBYTE, atMost: 18, unit: "MiB" },
      {
        what: "a second instance of SQLite",
        found: secondInstance.resident / MEBIBYTE,
        atMost: 24,
        unit: "MiB",
      },
    ],
  };
}

function start(module: string, args: readonly string[]): ChildProcess {
  return fork(fileURLToPath(new URL(module, import.meta.url)), [...args], {
    execArgv: ["--conditions=lacuna-source", "--expose-gc", "--no-warnings=ExperimentalWarning"],
  });
}

/** @throws {Error} if the process ends before it says anything */
async function firstMessage<T>(child: ChildProcess): Promise<T> {
  const ended = once(child, "exit").then(([code]) => {
    throw new Error(`${child.spawnargs.at(2)} ended with code ${code} before it reported`);
  });
  const [message] = (await Promise.race([once(child, "message"), ended])) as [T];
  ended.catch(() => {});
  return message;
}
