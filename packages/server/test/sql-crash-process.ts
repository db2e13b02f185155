/** Runs in a process of its own until it is killed: a server of pages with their history, and of SQL. */
import { syncHandler } from "../src/index.ts";
import { openServedFile, openServedSql, serveNode } from "../src/node/index.ts";

const [path = ""] = process.argv.slice(2);
const database = await openServedFile(path, { history: { checkpointBytes: 60_000 } });
const sql = openServedSql(path, { onWrite: () => database.newest() });
const { url } = await serveNode({ handler: syncHandler({ database, sql }), port: 0 });
process.send?.(url);
