import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { handlerAsFetch, syncHandler } from "@lacuna/server";
import { openServedFile } from "@lacuna/server/node";
import { expect, it, onTestFinished } from "vitest";
import { connect } from "../src/index.ts";

const SUM = "SELECT count(*) AS rows, sum(version) AS versions FROM item";

it("a replica of a server with a history reads its own revision, whatever was committed since", async () => {
  const directory = await mkdtemp(join(tmpdir(), "lacuna-"));
  onTestFinished(() => rm(directory, { recursive: true }));
  const path = join(directory, "remote.db");
  const writer = new DatabaseSync(path);
  writer.exec(`
    PRAGMA journal_mode=WAL;
    CREATE TABLE item (id INTEGER PRIMARY KEY, version INT, body TEXT);
    WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
    INSERT INTO item SELECT i, 0, printf('%.*c', 300, 'x') FROM n;
  `);
  const served = await openServedFile(path, { history: true });
  const fetch = handlerAsFetch(syncHandler({ database: served }));
  const db = await connect({
    path: ":memory:",
    url: "http://server",
    fetch,
    remote: "sync-server",
    partialSync: { bootstrapStrategy: { kind: "prefix", length: 16_384 } },
  });
  for (let round = 0; round < 5; round++) {
    writer.exec("UPDATE item SET version = version + 1");
    await served.newest();
    writer.exec("PRAGMA wal_checkpoint");
  }
  expect(await db.all(SUM)).toEqual([{ rows: 2000, versions: 0 }]);
  await db.close();
  await served.close();
  writer.close();
});
