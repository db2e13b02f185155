/** Runs in a process of its own, on a disk that fills up: a server of pages with their history, and of SQL. Makes room when told. */
import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { syncHandler } from "../src/index.ts";
import { openServedFile, openServedSql, serveNode } from "../src/node/index.ts";

const [directory = "", ballastBytes = "0"] = process.argv.slice(2);
const path = join(directory, "app.db");
const ballast = join(directory, "ballast");
const first = new DatabaseSync(path);
first.exec(
  "PRAGMA journal_mode=WAL; CREATE TABLE t(id INTEGER PRIMARY KEY, generation INTEGER, filler TEXT)",
);
first.close();
writeFileSync(ballast, new Uint8Array(Number(ballastBytes)));
const database = await openServedFile(path, { history: { checkpointBytes: 200_000 } });
const sql = openServedSql(path, { onWrite: () => database.newest() });
const { url } = await serveNode({ handler: syncHandler({ database, sql }), port: 0 });
process.on("message", () => {
  rmSync(ballast);
  process.send?.("done");
});
process.once("disconnect", () => process.exit());
process.send?.(url);
