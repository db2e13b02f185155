/** Runs in a process of its own until it is killed: serves a database, writes to it, and tells of what it serves. */
import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import type { PageNo } from "@lacuna/page";
import { openServedFile } from "../src/node/index.ts";

const [path = "", commits = "0"] = process.argv.slice(2);
const served = await openServedFile(path, { history: { checkpointBytes: 60_000 } });
const writer = new DatabaseSync(path, { timeout: 10_000 });
const update = writer.prepare("UPDATE t SET generation = generation + 1");
const generation = writer.prepare("SELECT max(generation) AS generation FROM t");

for (;;) {
  for (let i = 0; i < Number(commits); i++) update.run();
  // Somebody else may commit after this: then the revision is at least that new.
  const committed = Number(generation.get()?.["generation"]);
  const view = await served.open();
  const bytes = await view.read([{ first: 1 as PageNo, last: view.pageCount as PageNo }]);
  await view.close();
  process.send?.({ committed, name: view.revision, hash: createHash("sha256").update(bytes).digest("hex") });
  await new Promise(setImmediate);
}
