import { connect } from "lacuna";
import { type MemoryGrowth, PeakMemory } from "./peak-memory.ts";

/** What the process that scans tells its parent. */
export interface ScanReport {
  readonly rows: number;
  readonly receivedBytes: number;
  readonly requests: number;
  /** While all rows were read. */
  readonly scan: MemoryGrowth;
  /** Bytes of buffers that were still needed after the scan. */
  readonly keptBufferBytes: number;
  /** While a second statement had to wait for a page. */
  readonly secondInstance: MemoryGrowth;
  readonly instances: number;
}

// Scans the database at the URL into the replica at the path, both named on the command line, and measures itself.
const [url, path] = process.argv.slice(2);
if (url === undefined || path === undefined) throw new Error("BUG: scan-process needs a URL and a path");

/** Twice: what the first collection finds dead it frees in the background, which the second one waits for. */
const collect = (): void => {
  globalThis.gc?.();
  globalThis.gc?.();
};
const db = await connect({
  url,
  path,
  memoryBytes: 16 * 2 ** 20,
  partialSync: { bootstrapStrategy: { kind: "prefix", length: 131_072 } },
});
await db.all("SELECT name FROM entries WHERE id = 1");
collect();

// Two statements that both have to wait for a page cannot share an instance of SQLite.
const second = new PeakMemory();
await Promise.all([60_000, 120_000].map((id) => db.all("SELECT name FROM entries WHERE id = ?", id)));
const secondInstance = second.stop();
collect();

const scanning = new PeakMemory();
let rows = 0;
for await (const _ of db.iterate("SELECT id, name, body FROM entries")) rows++;
const scan = scanning.stop();
collect();
const keptBufferBytes = process.memoryUsage().arrayBuffers - scanning.baseline.arrayBuffers;

const { networkReceivedBytes: receivedBytes, requests, sql } = await db.stats();
await db.close();
const { instances } = sql;
const report: ScanReport = {
  rows,
  receivedBytes,
  requests,
  scan,
  keptBufferBytes,
  secondInstance,
  instances,
};
process.send?.(report);
process.disconnect?.();
