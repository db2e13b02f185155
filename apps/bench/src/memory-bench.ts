import { join } from "node:path";
import type { Bench, BenchResult } from "./bench.ts";
import { nextMessage, startProcess } from "./child-process.ts";
import { withLargeDatabase } from "./large-database.ts";
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
  run: (say) =>
    withLargeDatabase(DATABASE_BYTES, async ({ path, bytes, directory }) => {
      say(`made a database of ${(bytes / 1e6).toFixed(1)} MB`);
      // Server and client have processes of their own: neither this one nor the server is what is measured.
      const server = startProcess(new URL("./memory/serve-process.ts", import.meta.url), { args: [path] });
      try {
        const { url } = await nextMessage<{ url: string }>(server);
        const client = startProcess(new URL("./memory/scan-process.ts", import.meta.url), {
          args: [url, join(directory, "replica.db")],
          execArgv: ["--expose-gc"],
        });
        return result(await nextMessage<ScanReport>(client), bytes);
      } finally {
        if (server.connected) server.disconnect();
      }
    }),
};

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
