import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { expect, it } from "vitest";
import { rowsOf, type SyncRemote, syncRemote } from "./sync-remote.ts";

const FILES = ["", "-info", "-wal", "-changes", "-pull"];

function copy(remote: SyncRemote, from: string, to: string): string {
  for (const suffix of FILES) {
    const path = join(remote.directory, from + suffix);
    if (existsSync(path)) copyFileSync(path, join(remote.directory, to + suffix));
  }
  return join(remote.directory, to);
}

it("a replica copied while open has the last acknowledged commit, and neither loses or repeats what it writes", async () => {
  const remote = await syncRemote(
    "CREATE TABLE loose(v); CREATE TABLE t(id INTEGER PRIMARY KEY, v); INSERT INTO t VALUES (1, 'first')",
  );
  const one = await remote.replica({ path: join(remote.directory, "one.db") });
  await one.run("INSERT INTO loose VALUES ('before')");
  await one.push();
  await one.run("UPDATE t SET v = 'pending' WHERE id = 1");
  const path = copy(remote, "one.db", "two.db");
  const two = await remote.replica({ path });
  expect(await rowsOf(two, "SELECT v FROM t")).toEqual([["pending"]]);
  expect(await two.pending()).toHaveLength(1);
  for (const [name, db] of Object.entries({ one, two })) await db.run("INSERT INTO loose VALUES (?)", name);
  await one.push();
  await two.pull();
  await two.push();
  await one.run("INSERT INTO loose VALUES ('one again')");
  for (const db of [one, two, one]) await db.push();
  for (const db of [one, two]) {
    await db.pull();
    expect(await db.pending()).toEqual([]);
    expect(await rowsOf(db, "SELECT v FROM loose ORDER BY v")).toEqual([
      ["before"],
      ["one"],
      ["one again"],
      ["two"],
    ]);
    expect(await rowsOf(db, "SELECT v FROM t")).toEqual([["pending"]]);
    expect(await rowsOf(db, "PRAGMA integrity_check")).toEqual([["ok"]]);
  }
  expect(remote.rows("SELECT count(*) FROM turso_sync_last_change_id")).toEqual([[2]]);
});

it("two processes on one path: the second is LOCKED, whatever the first does, and nothing changes", async () => {
  const remote = await syncRemote("CREATE TABLE loose(v)");
  const path = join(remote.directory, "one.db");
  const one = await remote.replica({ path });
  for (const work of [
    () => one.run("INSERT INTO loose VALUES (1)"),
    () => one.push(),
    () => one.pull(),
    () => one.checkpoint(),
  ]) {
    await expect(remote.replica({ path })).rejects.toMatchObject({ code: "LOCKED" });
    await work();
  }
  await expect(remote.replica({ path })).rejects.toMatchObject({ code: "LOCKED" });
  await one.close();
  const two = await remote.replica({ path });
  expect(await rowsOf(two, "SELECT v FROM loose")).toEqual([[1]]);
  expect(await two.pending()).toEqual([]);
});
