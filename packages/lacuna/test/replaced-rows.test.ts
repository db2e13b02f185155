import { describe, expect, it } from "vitest";
import { rowsOf, type SyncRemote, syncRemote } from "./sync-remote.ts";

const KEYED = `CREATE TABLE t(id INTEGER PRIMARY KEY, v, w DEFAULT 'w');
  INSERT INTO t VALUES (1, 'a', 'w'), (2, 'b', 'w'), (3, 'c', 'w')`;
const NAMED = `CREATE TABLE t(k TEXT, n REAL, b BLOB, v, PRIMARY KEY(k, n, b)) WITHOUT ROWID;
  INSERT INTO t VALUES ('it''s' || char(0) || 'x', 0.1, x'00ff', 'a'), ('k', 1e300, x'', 'b')`;

/** What a replica writes, then another does something at the remote, then the replica pushes or pulls. */
async function after(
  setUp: string,
  written: string,
  meanwhile: string,
  query = "SELECT * FROM t ORDER BY 1",
): Promise<unknown[][]> {
  const inTransaction = `BEGIN; ${written}; COMMIT`;
  const [pushing, pulling] = [await syncRemote(setUp), await syncRemote(setUp)];
  const one = await pushing.replica();
  const two = await pulling.replica();
  for (const db of [one, two]) await db.exec(inTransaction);
  for (const remote of [pushing, pulling]) remote.exec(meanwhile);
  await one.push();
  await two.pull();
  const rows = pushing.rows(query);
  // What is repeated over what was pulled comes to the same.
  expect(await rowsOf(two, query)).toEqual(rows);
  await agree(pushing, query);
  return rows;
}

async function agree(remote: SyncRemote, query: string): Promise<void> {
  const other = await remote.replica();
  expect(await rowsOf(other, query)).toEqual(remote.rows(query));
}

describe("a row that is put in the place of another", () => {
  it.each([
    ["REPLACE", "REPLACE INTO t VALUES (1, 'new', 'w')"],
    ["INSERT OR REPLACE", "INSERT OR REPLACE INTO t(id, v) VALUES (1, 'new')"],
    ["DO UPDATE", "INSERT INTO t(id, v) VALUES (1, 'new') ON CONFLICT(id) DO UPDATE SET v = excluded.v"],
    ["DELETE and INSERT", "DELETE FROM t WHERE id = 1; INSERT INTO t VALUES (1, 'new', 'w')"],
    [
      "UPDATE of the key and INSERT",
      "UPDATE t SET id = 9 WHERE id = 1; INSERT INTO t VALUES (1, 'new', 'w')",
    ],
    [
      "DELETE and UPDATE of another's key",
      "DELETE FROM t WHERE id = 1; UPDATE t SET v = 'new', id = 1 WHERE id = 3",
    ],
    [
      "UPDATE OR REPLACE and INSERT",
      "UPDATE OR REPLACE t SET id = 1 WHERE id = 2; UPDATE t SET id = 7 WHERE id = 1; INSERT INTO t VALUES (1, 'new', 'w')",
    ],
    ["REPLACE behind an UPDATE", "UPDATE t SET v = 'x' WHERE id = 2; REPLACE INTO t VALUES (1, 'new', 'w')"],
    ["REPLACE before an UPDATE", "REPLACE INTO t VALUES (1, 'y', 'w'); UPDATE t SET v = 'new' WHERE id = 1"],
  ])(
    "by %s is put back where the remote has it no more, and wins where it has another",
    async (_, written) => {
      const gone = await after(KEYED, written, "DELETE FROM t WHERE id = 1");
      expect(gone[0]).toEqual([1, "new", "w"]);
      const other = await after(KEYED, written, "UPDATE t SET v = 'theirs', w = 'theirs' WHERE id = 1");
      expect(other[0]).toEqual([1, "new", "w"]);
    },
  );

  it("by a declared conflict clause is put back, too", async () => {
    const setUp = KEYED.replace("PRIMARY KEY", "PRIMARY KEY ON CONFLICT REPLACE");
    expect(await after(setUp, "INSERT INTO t VALUES (1, 'new', 'w')", "DELETE FROM t")).toEqual([
      [1, "new", "w"],
    ]);
  });

  it("is known by keys of every kind", async () => {
    const written =
      "INSERT INTO t SELECT k, n, b, 'new' FROM t WHERE true ON CONFLICT DO UPDATE SET v = 'new'";
    const query = "SELECT hex(k), n, hex(b), v FROM t ORDER BY k";
    expect(await after(NAMED, written, "DELETE FROM t", query)).toEqual([
      ["697427730078", 0.1, "00FF", "new"],
      ["6B", 1e300, "", "new"],
    ]);
  });

  it("leaves rows that the same transaction changes where they are as they were told", async () => {
    const written = `UPDATE t SET v = 'x' WHERE id = 2; REPLACE INTO t VALUES (1, 'new', 'w');
      UPDATE t SET v = 'z' WHERE id = 3; INSERT INTO t VALUES (4, 'd', 'w')`;
    const rows = await after(KEYED, written, "DELETE FROM t WHERE id = 2; UPDATE t SET w = 'theirs'");
    expect(rows).toEqual([
      [1, "new", "w"],
      [3, "z", "theirs"],
      [4, "d", "w"],
    ]);
  });

  it("takes unique values over, also in a circle", async () => {
    const setUp = `CREATE TABLE t(id INTEGER PRIMARY KEY, u TEXT UNIQUE, w);
      INSERT INTO t VALUES (1, 'a', 0), (2, 'b', 0), (3, 'c', 0)`;
    const written = "REPLACE INTO t VALUES (1, 'b', 1), (2, 'a', 1)";
    const expected = [
      [1, "b", 1],
      [2, "a", 1],
      [3, "c", 5],
    ];
    expect(await after(setUp, written, "UPDATE t SET w = 5")).toEqual(expected);
    expect(await after(setUp, written, "UPDATE t SET w = 5; DELETE FROM t WHERE id = 2")).toEqual(expected);
  });

  it("is not deleted at the remote first: rows may point to it", async () => {
    const remote = await syncRemote(KEYED);
    const db = await remote.replica();
    remote.exec(
      "CREATE TRIGGER keeps BEFORE DELETE ON t BEGIN SELECT RAISE(ABORT, 'something points to it'); END",
    );
    await db.exec("REPLACE INTO t VALUES (1, 'new', 'w')");
    await db.push();
    expect(remote.rows("SELECT v FROM t WHERE id = 1")).toEqual([["new"]]);
  });

  it("is an insert to a transform", async () => {
    const remote = await syncRemote(KEYED);
    const seen: unknown[] = [];
    const db = await remote.replica({
      transform: (mutation) => {
        seen.push([mutation.changeType, mutation.after]);
        return null;
      },
    });
    await db.exec("INSERT INTO t(id, v) VALUES (1, 'new') ON CONFLICT DO UPDATE SET v = excluded.v");
    await db.push();
    expect(seen).toEqual([["insert", { id: 1, v: "new", w: "w" }]]);
  });

  it("by a trigger is left to the trigger of the remote", async () => {
    const setUp = `${KEYED}; CREATE TABLE last(id INTEGER PRIMARY KEY, what); INSERT INTO last VALUES (1, 'none');
      CREATE TRIGGER tr AFTER INSERT ON t BEGIN INSERT OR REPLACE INTO last VALUES (1, new.v || ' ' || (SELECT count(*) FROM t)); END`;
    const rows = await after(
      setUp,
      "INSERT INTO t VALUES (4, 'd', 'w')",
      "DELETE FROM t",
      "SELECT * FROM last",
    );
    expect(rows).toEqual([[1, "d 1"]]);
  });
});

describe("a row of a table without a key", () => {
  const LOOSE = "CREATE TABLE t(who, v); INSERT INTO t VALUES ('a', 1), ('b', 2), ('c', 3)";

  it.each([
    ["the last one is deleted", "DELETE FROM t WHERE who = 'c'; INSERT INTO t VALUES ('new', 9)"],
    ["all are deleted", "DELETE FROM t; INSERT INTO t VALUES ('new', 9)"],
    [
      "its row id is given",
      "DELETE FROM t WHERE rowid = 2; INSERT INTO t(rowid, who, v) VALUES (2, 'new', 9)",
    ],
    [
      "a row id is moved",
      "DELETE FROM t WHERE rowid = 3; UPDATE t SET rowid = 3, who = 'new', v = 9 WHERE rowid = 1",
    ],
  ])("that takes the row id of one deleted before it is there at the remote: %s", async (_, written) => {
    const same = await after(LOOSE, written, "SELECT 1", "SELECT who, v FROM t ORDER BY who");
    expect(same).toContainEqual(["new", 9]);
    // What was deleted here is another one there, and stays.
    const changed = await after(
      LOOSE,
      written,
      "UPDATE t SET v = v + 10",
      "SELECT who, v FROM t ORDER BY who",
    );
    expect(changed.slice(0, 3)).toEqual([
      ["a", 11],
      ["b", 12],
      ["c", 13],
    ]);
    expect(changed).toContainEqual(["new", 9]);
    const gone = await after(LOOSE, written, "DELETE FROM t", "SELECT who, v FROM t");
    expect(gone).toEqual([["new", 9]]);
  });

  it("is replaced by its unique value without touching the row of another", async () => {
    const setUp = "CREATE TABLE t(u TEXT UNIQUE, v); INSERT INTO t VALUES ('a', 1), ('b', 2)";
    const written = "REPLACE INTO t VALUES ('b', 20); REPLACE INTO t VALUES ('b', 21)";
    expect(await after(setUp, written, "UPDATE t SET v = 7 WHERE u = 'a'")).toEqual([
      ["a", 7],
      ["b", 21],
    ]);
  });
});
