import { DatabaseSync } from "node:sqlite";
import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { type PageNo, revision } from "@lacuna/page";
import type { SnapshotSource } from "@lacuna/pager";
import { canSuspend, type DriverName, openSqlite, type SqlDatabase } from "@lacuna/sqlite";
import type { Bench, BenchResult } from "./bench.ts";
import { openOwnMemory } from "./own-memory.ts";
import { timesInTurns } from "./times-in-turns.ts";

const ROWS = 200_000;
const RUNS = 7;
const INSTANCES = 4;
const MEBIBYTE = 2 ** 20;

/** The promise is about the first one; the others show where the time goes. */
const QUERIES = [
  { name: "all rows, all columns", sql: "SELECT * FROM message" },
  { name: "integers only", sql: "SELECT id, at FROM message" },
  {
    name: "rows of 1 user in 10, by index",
    sql: "SELECT id, body FROM message WHERE user < 'user 2' ORDER BY user",
  },
  { name: "aggregate", sql: "SELECT count(*) AS n, sum(length(body)) AS bytes FROM message" },
] as const;

/** Reading a database that is all there, beside the same WebAssembly build reading its own memory. */
export const warmScanBench: Bench = {
  name: "warm-scan",
  summary: `a warm scan of ${ROWS.toLocaleString("en")} rows beside the same build over its own memory`,
  async run(say) {
    const bytes = makeDatabase();
    say(`made a database of ${(bytes.length / 1e6).toFixed(1)} MB`);
    const own = await openOwnMemory(bytes);
    const drivers: DriverName[] = canSuspend() ? ["jspi", "restart"] : ["restart"];
    const databases = new Map<DriverName, SqlDatabase>();
    for (const driver of drivers)
      databases.set(driver, await openSqlite({ source: sourceOf(bytes), driver }));
    const rows: (string | number)[][] = [];
    const bars = [];
    for (const [index, { name, sql }] of QUERIES.entries()) {
      const contestants: Record<string, () => unknown> = {
        objects: () => own.withInterface(sql, "object"),
        functions: () => own.plainObjects(sql),
      };
      for (const [driver, db] of databases) contestants[driver] = () => db.all(sql);
      const times = await timesInTurns(contestants, { runs: RUNS, warmUps: 2 });
      const timeOf = (contestant: string): number => median(times[contestant] ?? []);
      const objects = timeOf("objects");
      const functions = timeOf("functions");
      const base = Math.min(objects, functions);
      for (const driver of drivers) {
        const time = timeOf(driver);
        rows.push([name, driver, time, functions, objects, time / base]);
        if (index > 0) continue;
        bars.push({
          what: `warm scan, driver ${driver}`,
          found: time / base,
          atMost: 1.3,
          unit: "× own memory",
        });
      }
    }
    for (const db of databases.values()) await db.close();
    const instance = await instanceBytes(bytes);
    bars.push({ what: "another instance of SQLite", found: instance / MEBIBYTE, atMost: 24, unit: "MiB" });
    const columns = ["query", "driver", "ms", "own memory ms", "own memory, oo1 ms", "ratio"];
    const result: BenchResult = {
      tables: [{ title: `all() of a resident database, median of ${RUNS}`, columns, rows }],
      bars,
    };
    return result;
  },
};

function makeDatabase(): Uint8Array {
  const db = new DatabaseSync(":memory:");
  db.exec(`
    CREATE TABLE message(id INTEGER PRIMARY KEY, user TEXT, body TEXT, at INTEGER);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ${ROWS})
      INSERT INTO message SELECT i, 'user ' || (i % 997), hex(randomblob(20)), 1700000000000 + i * 7 FROM n;
    CREATE INDEX message_user ON message(user);`);
  const bytes = db.serialize();
  db.close();
  return bytes;
}

/** Pages that are all in memory, as a cache that holds everything gives them. */
function sourceOf(bytes: Uint8Array): SnapshotSource {
  const stored = new DataView(bytes.buffer, bytes.byteOffset).getUint16(16);
  const pageSize = stored === 1 ? 65536 : stored;
  const pages: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += pageSize) pages.push(bytes.subarray(at, at + pageSize));
  const peek = (page: PageNo) => pages[page - 1];
  const read = async (page: PageNo) => peek(page) ?? new Uint8Array(pageSize);
  const shape = { revision: revision("bench"), pageSize, pageCount: pages.length };
  return { snapshot: () => ({ ...shape, version: 1, peek, read, release: () => {} }) };
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;

/** What the resident set of this process grows by for an instance that scans the database: the mean of a few. */
async function instanceBytes(bytes: Uint8Array): Promise<number> {
  setFlagsFromString("--expose-gc");
  const collectGarbage: () => void = runInNewContext("gc");
  const scan = "SELECT count(*), sum(length(body)) FROM message";
  const open: SqlDatabase[] = [];
  let before = 0;
  for (let instance = 0; instance <= INSTANCES; instance++) {
    const db = await openSqlite({ source: sourceOf(bytes) });
    open.push(db);
    await db.all(scan);
    if (instance > 0) continue;
    // The first one also pays for compiled code, which all of them share.
    collectGarbage();
    before = process.memoryUsage.rss();
  }
  collectGarbage();
  const grown = process.memoryUsage.rss() - before;
  for (const db of open) await db.close();
  return grown / INSTANCES;
}
