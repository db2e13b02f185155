import { createRequire } from "node:module";
import { syncHandler } from "@lacuna/server";
import { openServedFile, serveNode } from "@lacuna/server/node";
import { connect, type Database } from "lacuna";
import { QUERIES } from "./queries.ts";
import { type Cost, costTable } from "./table.ts";
import { writeAndSync } from "./writing.ts";

const say = (text: string): void => {
  process.stdout.write(`${text}\n`);
};

/** Runs each query and measures what it cost on the wire. */
async function run(db: Database, queries: readonly string[]): Promise<Cost[]> {
  const costs: Cost[] = [];
  for (const query of queries) {
    const before = await db.stats();
    const started = performance.now();
    const rows = await db.all(query);
    const milliseconds = performance.now() - started;
    const after = await db.stats();
    const bytes = after.networkReceivedBytes - before.networkReceivedBytes;
    costs.push({
      query,
      rows: rows.length,
      requests: after.requests - before.requests,
      pages: after.cache.fetchedPages - before.cache.fetchedPages,
      bytes,
      percent: (100 * bytes) / (after.pageSize * after.pageCount),
      milliseconds,
    });
  }
  return costs;
}

async function main(): Promise<void> {
  const file = createRequire(import.meta.url).resolve("wordnet-sqlite/wordnet.dict");
  const served = await openServedFile(file);
  const server = await serveNode({ handler: syncHandler({ database: served }), port: 0 });
  say(`A server on ${server.url} serves a dictionary, a SQLite database of other people's making.`);

  const db = await connect({
    path: ":memory:",
    url: server.url,
    partialSync: { bootstrapStrategy: { kind: "prefix", length: 64 * 1024 }, segmentSize: 16 * 1024 },
  });
  const opened = await db.stats();
  const size = opened.pageSize * opened.pageCount;
  say(
    `Opened ${(size / 1e6).toFixed(1)} MB in ${opened.pageCount.toLocaleString("en")} pages with ` +
      `${opened.requests} requests and ${opened.networkReceivedBytes.toLocaleString("en")} bytes.`,
  );

  say("\nCold: the pages of each query come when it needs them.\n");
  say(costTable(await run(db, QUERIES)));

  say("\nWarm: the same again.\n");
  say(costTable(await run(db, QUERIES)));

  await server.close();
  await served.close();
  say("\nOffline: the server is stopped, and the same again.\n");
  say(costTable(await run(db, QUERIES)));

  const stats = await db.stats();
  const percent = (100 * stats.networkReceivedBytes) / size;
  say(`\n${percent.toFixed(1)} % of the database travelled in ${stats.requests} requests, opening included.`);
  await db.close();

  say("\nWriting: two replicas of a notebook.\n");
  await writeAndSync(say);
}

await main();
