import { connect } from "lacuna";
import { PeakMemory } from "./peak-memory.ts";

/** What the process that scans tells its parent, in bytes and rows. */
export interface ScanReport {
  readonly rows: number;
  readonly receivedBytes: number;
  readonly requests: number;
  readonly scanGrowthBytes: number;
  /** What remained after the scan, when garbage was collected. */
  readonly keptBytes: number;
  readonly secondInstanceBytes: number;
}

// Scans the database at the URL into the replica at the path, both named on the command line, and measures itself.
const [url, path] = process.argv.slice(2);
if (url === undefined || path === undefined) throw new Error("BUG: scan-process needs a URL and a path");

const collect = (): void => globalThis.gc?.();
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
const secondInstanceBytes = second.stop();
collect();

const scan = new PeakMemory();
let rows = 0;
for await (const _ of db.iterate("SELECT id, name, body FROM entries")) rows++;
const scanGrowthBytes = scan.stop();
collect();
const keptBytes = process.memoryUsage.rss() - scan.baselineBytes;

const { networkReceivedBytes: receivedBytes, requests } = await db.stats();
await db.close();
const report: ScanReport = { rows, receivedBytes, requests, scanGrowthBytes, keptBytes, secondInstanceBytes };
process.send?.(report);
process.disconnect?.();
