import { describe, expect, it } from "vitest";
import type { Database } from "../src/index.ts";
import { rowsOf, type SyncRemote, syncRemote } from "./sync-remote.ts";

const PAIR = "CREATE TABLE k(a TEXT, b INT, v, PRIMARY KEY(a, b))";
const ROWS = "SELECT a, b, v FROM k ORDER BY a, b, v";

/** Two replicas of one remote, with the same rows. */
async function two(setUp: string): Promise<{ remote: SyncRemote; one: Database; other: Database }> {
  const remote = await syncRemote(setUp);
  return { remote, one: await remote.replica(), other: await remote.replica() };
}

/** Brings what one wrote to the remote, and from there to the other; all three are to show the rows. */
async function expectEverywhere(
  { remote, one, other }: Awaited<ReturnType<typeof two>>,
  rows: readonly unknown[],
  query = ROWS,
): Promise<void> {
  expect(await rowsOf(one, query)).toEqual(rows);
  await one.push();
  expect(remote.rows(query)).toEqual(rows);
  for (const db of [one, other]) {
    await db.pull();
    expect(await rowsOf(db, query)).toEqual(rows);
    expect(await db.pending()).toEqual([]);
    expect(await rowsOf(db, "PRAGMA integrity_check")).toEqual([["ok"]]);
  }
}

describe("rows that have a NULL in their key", () => {
  it("come, change and go at the remote and at another replica", async () => {
    const all = await two(PAIR);
    const { one } = all;
    await one.exec("INSERT INTO k VALUES ('x', NULL, 1), (NULL, 2, 2), (NULL, NULL, 3), ('y', 4, 4)");
    await expectEverywhere(all, [
      [null, null, 3],
      [null, 2, 2],
      ["x", null, 1],
      ["y", 4, 4],
    ]);
    await one.exec("UPDATE k SET v = v * 10");
    await expectEverywhere(all, [
      [null, null, 30],
      [null, 2, 20],
      ["x", null, 10],
      ["y", 4, 40],
    ]);
    await one.exec("DELETE FROM k WHERE a IS NULL AND b IS NULL; DELETE FROM k WHERE a = 'x'");
    await expectEverywhere(all, [
      [null, 2, 20],
      ["y", 4, 40],
    ]);
  });

  it("get a whole key, lose it, and exchange one NULL for another", async () => {
    const all = await two(
      `${PAIR}; INSERT INTO k VALUES ('x', NULL, 1), (NULL, 2, 2), ('y', 4, 4), (NULL, NULL, 5)`,
    );
    await all.one.exec(`UPDATE k SET b = 7 WHERE a = 'x'; UPDATE k SET a = NULL WHERE a = 'y';
      UPDATE k SET a = 'was null', b = NULL WHERE b = 2`);
    await expectEverywhere(all, [
      [null, null, 5],
      [null, 4, 4],
      ["was null", null, 2],
      ["x", 7, 1],
    ]);
    await all.one.exec(`BEGIN; DELETE FROM k WHERE a = 'x'; INSERT INTO k VALUES ('x', NULL, 1); UPDATE k SET b = 4 WHERE b IS NULL AND a = 'x';
      UPDATE k SET b = NULL WHERE a = 'x'; UPDATE k SET v = 9 WHERE a = 'was null'; UPDATE k SET v = 2 WHERE a = 'was null'; COMMIT`);
    await expectEverywhere(all, [
      [null, null, 5],
      [null, 4, 4],
      ["was null", null, 2],
      ["x", null, 1],
    ]);
  });

  it("that are equal in every column are told apart by their number", async () => {
    const all = await two(
      `${PAIR}; INSERT INTO k VALUES (NULL, 1, 'same'), (NULL, 1, 'same'), (NULL, 1, 'same')`,
    );
    await all.one.exec("DELETE FROM k WHERE rowid = 2");
    await expectEverywhere(all, [
      [null, 1, "same"],
      [null, 1, "same"],
    ]);
    await all.one.exec("UPDATE k SET v = 'one' WHERE rowid = 3; INSERT INTO k VALUES (NULL, 1, 'same')");
    await expectEverywhere(all, [
      [null, 1, "one"],
      [null, 1, "same"],
      [null, 1, "same"],
    ]);
  });

  it.each(["UPDATE k SET v = 'mine'", "DELETE FROM k", "UPDATE k SET a = 'mine'"])(
    "are never taken for those of others, which have the same key and another value: %s",
    async (written) => {
      const { remote, one, other } = await two(
        `${PAIR}; INSERT INTO k VALUES (NULL, 1, 'first'), ('p', NULL, 'first')`,
      );
      await one.exec(written);
      await other.exec("UPDATE k SET v = 'theirs'; INSERT INTO k VALUES (NULL, 1, 'theirs too')");
      await other.push();
      await one.pull();
      await one.push();
      await other.pull();
      const theirs = [
        [null, 1, "theirs"],
        [null, 1, "theirs too"],
        ["p", null, "theirs"],
      ];
      const found = remote.rows(ROWS);
      for (const row of theirs) expect(found).toContainEqual(row);
      expect(found.filter(([a, , v]) => a !== "mine" && v !== "mine")).toEqual(theirs);
      for (const db of [one, other]) expect(await rowsOf(db, ROWS)).toEqual(found);
    },
  );

  it("travel with a single key column, and with values of every kind", async () => {
    const all = await two("CREATE TABLE s(k TEXT PRIMARY KEY, v, g AS (v || '!'))");
    await all.one.exec(
      "INSERT INTO s(k, v) VALUES (NULL, 1.5), (NULL, x'00ff'), (NULL, 9007199254740993), (NULL, 9e999), (NULL, 'it''s'), (NULL, NULL)",
    );
    const query = "SELECT k, CAST(v AS TEXT), typeof(v), g FROM s ORDER BY rowid";
    const rows = await rowsOf(all.one, query);
    expect(rows).toHaveLength(6);
    await expectEverywhere(all, rows, query);
    await all.one.exec("UPDATE s SET v = v || 'x' WHERE typeof(v) <> 'null'; DELETE FROM s WHERE v IS NULL");
    await expectEverywhere(all, await rowsOf(all.one, query), query);
  });

  it("that triggers make are left to the triggers of the remote", async () => {
    const all = await two(
      `CREATE TABLE t(id INTEGER PRIMARY KEY, v); CREATE TABLE audit(k TEXT PRIMARY KEY, what);
       CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT INTO audit VALUES (NULL, new.v); END`,
    );
    await all.one.exec("INSERT INTO t VALUES (1, 'a')");
    await expectEverywhere(all, [[null, "a"]], "SELECT * FROM audit");
  });

  it("that foreign keys take along are gone at a remote that enforces none", async () => {
    const all = await two(
      `CREATE TABLE p(id INTEGER PRIMARY KEY); CREATE TABLE c(a TEXT, p REFERENCES p ON DELETE CASCADE, PRIMARY KEY(a, p));
       INSERT INTO p VALUES (1), (2); INSERT INTO c VALUES (NULL, 1), ('x', 1), (NULL, 2)`,
    );
    await all.one.exec("PRAGMA foreign_keys = ON");
    await all.one.exec("DELETE FROM p WHERE id = 1");
    await expectEverywhere(all, [[null, 2]], "SELECT * FROM c");
  });

  it("are repeated over what was pulled, and kept over a lost reply", async () => {
    const { remote, one, other } = await two(`${PAIR}; INSERT INTO k VALUES (NULL, 1, 'a'), (NULL, 2, 'b')`);
    await one.exec(
      "INSERT INTO k VALUES (NULL, 3, 'c'); DELETE FROM k WHERE b = 1; UPDATE k SET v = 'B' WHERE b = 2",
    );
    remote.exec("INSERT INTO k VALUES (NULL, 9, 'raw')");
    await one.pull();
    const rows = [
      [null, 2, "B"],
      [null, 3, "c"],
      [null, 9, "raw"],
    ];
    expect(await rowsOf(one, ROWS)).toEqual(rows);
    remote.intercept = async (_, pass) => {
      remote.intercept = undefined;
      await (await pass()).arrayBuffer();
      throw new TypeError("the connection broke");
    };
    await expect(one.push()).rejects.toMatchObject({ code: "NETWORK" });
    await one.push();
    expect(remote.rows(ROWS)).toEqual(rows);
    await other.pull();
    expect(await rowsOf(other, ROWS)).toEqual(rows);
  });
});
