import { expect, it } from "vitest";
import { rowsOf, syncRemote } from "./sync-remote.ts";

const OLDER = `CREATE TABLE t(id INTEGER PRIMARY KEY, v, w); INSERT INTO t VALUES (1, 'a', 'a'), (2, 'b', 'b');
  CREATE TABLE loose(v, w); INSERT INTO loose VALUES ('a', 'a');
  ALTER TABLE t ADD COLUMN price REAL DEFAULT 10; ALTER TABLE loose ADD COLUMN price REAL DEFAULT 10`;

// SQLite's session extension tells such a column as changed, from INTEGER 10 to REAL 10.0.
it.each(["pushed", "repeated by a pull"])(
  "an update of a row that is older than a REAL column leaves that column to others, %s",
  async (how) => {
    const remote = await syncRemote(OLDER);
    const db = await remote.replica();
    await db.exec("UPDATE t SET v = 'mine' WHERE id = 1");
    remote.exec("UPDATE t SET price = 99.5");
    if (how === "pushed") await db.push();
    await db.pull();
    const expected = [
      [1, "mine", "a", 99.5],
      [2, "b", "b", 99.5],
    ];
    expect(await rowsOf(db, "SELECT * FROM t")).toEqual(expected);
    await db.push();
    expect(remote.rows("SELECT * FROM t")).toEqual(expected);
  },
);

it("an update that changes nothing of a row that is older than a REAL column is nothing to push", async () => {
  const remote = await syncRemote(OLDER);
  const db = await remote.replica();
  await db.exec("UPDATE t SET v = v; UPDATE loose SET w = w");
  expect(await db.pending()).toEqual([]);
  remote.exec("UPDATE t SET price = 99.5; UPDATE loose SET price = 99.5");
  await db.push();
  expect(remote.rows("SELECT price FROM t UNION ALL SELECT price FROM loose")).toEqual([
    [99.5],
    [99.5],
    [99.5],
  ]);
});

it("an update of a row without a key that is older than a REAL column finds it, and changes what it says", async () => {
  const remote = await syncRemote(OLDER);
  const db = await remote.replica();
  await db.exec("UPDATE loose SET v = 'mine'");
  await db.push();
  await db.exec("DELETE FROM loose");
  remote.exec("INSERT INTO loose VALUES ('b', 'b', 1)");
  await db.push();
  expect(remote.rows("SELECT * FROM loose")).toEqual([["b", "b", 1]]);
});
