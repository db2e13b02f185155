import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { rowsOf, type SyncRemote, syncRemote } from "./sync-remote.ts";

// The client exists for files on Linux only; elsewhere these show up as skipped.
const onLinux = describe.skipIf(process.platform !== "linux");
const turso = process.platform === "linux" ? await import("@tursodatabase/sync") : undefined;

type Client = Awaited<ReturnType<NonNullable<typeof turso>["connect"]>>;

let clients = 0;

async function tursoClient(remote: SyncRemote): Promise<Client> {
  if (turso === undefined) throw new Error("there is no client for this platform");
  const path = join(remote.directory, `turso-${clients++}.db`);
  const client = await turso.connect({ path, url: await remote.listen() });
  onTestFinished(() => client.close());
  return client;
}

async function rowsOfTurso(client: Client, sql: string): Promise<unknown[]> {
  const rows = await (await client.prepare(sql)).all();
  return rows.map((row: object) => Object.values(row));
}

onLinux("beside unmodified clients of Turso at one remote", () => {
  const TABLE = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, n REAL, b BLOB)";
  const ALL = "SELECT id, v, n FROM t ORDER BY id";

  it("each pushes and pulls what the other did", async () => {
    const remote = await syncRemote(TABLE);
    const [ours, theirs] = [await remote.replica(), await tursoClient(remote)];
    await ours.exec("INSERT INTO t VALUES (1, 'ours', 1.5, x'0102'), (2, 'ours', 2.0, NULL)");
    await theirs.exec("INSERT INTO t VALUES (3, 'theirs', 3.5, NULL)");
    await ours.push();
    await theirs.push();
    await ours.pull();
    await theirs.pull();
    expect(await rowsOf(ours, ALL)).toEqual(remote.rows(ALL));
    expect(await rowsOfTurso(theirs, ALL)).toEqual(remote.rows(ALL));
    await theirs.exec("UPDATE t SET v = 'changed' WHERE id = 1; DELETE FROM t WHERE id = 2");
    await ours.exec("UPDATE t SET v = 'changed too' WHERE id = 3");
    await theirs.push();
    await ours.pull();
    await ours.push();
    await theirs.pull();
    await ours.pull();
    expect(await rowsOf(ours, ALL)).toEqual([
      [1, "changed", 1.5],
      [3, "changed too", 3.5],
    ]);
    expect(await rowsOfTurso(theirs, ALL)).toEqual(await rowsOf(ours, ALL));
    expect(await rowsOf(ours, "PRAGMA integrity_check")).toEqual([["ok"]]);
  });

  it("they share the table of marks, one row for each client", async () => {
    const remote = await syncRemote(TABLE);
    const [ours, theirs] = [await remote.replica({ clientName: "app" }), await tursoClient(remote)];
    await theirs.exec("INSERT INTO t VALUES (1, 'theirs', 1, NULL)");
    await theirs.push();
    await ours.exec("INSERT INTO t VALUES (2, 'ours', 1, NULL)");
    await ours.push();
    const marks = remote.rows(
      "SELECT client_id, typeof(pull_gen), typeof(change_id) FROM turso_sync_last_change_id",
    );
    expect(marks).toHaveLength(2);
    for (const [, generation, change] of marks) expect([generation, change]).toEqual(["integer", "integer"]);
    expect(marks.some(([client]) => String(client).startsWith("app-"))).toBe(true);
    for (let i = 10; i < 13; i++) {
      await theirs.exec(`INSERT INTO t VALUES (${i}, 'theirs', 1, NULL)`);
      await ours.exec(`INSERT INTO t VALUES (${i + 10}, 'ours', 1, NULL)`);
      for (const db of [ours, theirs]) {
        await db.push();
        await db.pull();
      }
    }
    await ours.pull();
    await theirs.pull();
    expect(await rowsOf(ours, ALL)).toEqual(remote.rows(ALL));
    expect(await rowsOfTurso(theirs, ALL)).toEqual(remote.rows(ALL));
    expect(remote.rows("SELECT count(*) FROM t")).toEqual([[8]]);
  });

  it("they take each other's changes of the schema, also when both make the same", async () => {
    const remote = await syncRemote(TABLE);
    const [ours, theirs] = [await remote.replica(), await tursoClient(remote)];
    const both = "CREATE TABLE notes(id INTEGER PRIMARY KEY, body)";
    await ours.exec(both);
    await theirs.exec(both);
    await ours.exec("INSERT INTO notes VALUES (1, 'ours'); ALTER TABLE t ADD COLUMN mood");
    await theirs.exec("INSERT INTO notes VALUES (2, 'theirs')");
    await theirs.exec("ALTER TABLE t ADD COLUMN mood");
    await theirs.push();
    await ours.push();
    await ours.exec("CREATE INDEX body ON notes(body)");
    await ours.push();
    await theirs.pull();
    await ours.pull();
    expect(await rowsOfTurso(theirs, "SELECT * FROM notes ORDER BY id")).toEqual([
      [1, "ours"],
      [2, "theirs"],
    ]);
    expect(await rowsOf(ours, "SELECT * FROM notes ORDER BY id")).toEqual(
      await rowsOfTurso(theirs, "SELECT * FROM notes ORDER BY id"),
    );
    expect(await rowsOf(ours, "SELECT name FROM pragma_table_info('t')")).toEqual([
      ["id"],
      ["v"],
      ["n"],
      ["b"],
      ["mood"],
    ]);
  });
});
