/** Runs in a process of its own: runs SQL on a database, and tells which process does. */
import { SqlProcessPool } from "../src/node/index.ts";

const [path = "", sql = ""] = process.argv.slice(2);
const pool = new SqlProcessPool();
const { process: runner } = await pool.take(10_000, new AbortController().signal);
await runner.ask(
  { kind: "open", options: { path, readOnly: false, busyTimeoutMs: 1000, maxResultBytes: 1e6 } },
  60_000,
);
const begin = { type: "sequence", sql: "BEGIN IMMEDIATE; INSERT INTO t(v) VALUES (0)" } as const;
await runner.ask({ kind: "run", resultBytes: 0, requests: [begin] }, 60_000);
process.send?.("begun");
await runner.ask({ kind: "run", resultBytes: 0, requests: [{ type: "sequence", sql }] }, 60_000);
