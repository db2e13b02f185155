import { expect, it } from "vitest";
import { rowsOf, syncRemote } from "./sync-remote.ts";

it.each([
  ["RENAME COLUMN", "ALTER TABLE t RENAME COLUMN b TO c", "ALTER TABLE t RENAME COLUMN c TO d"],
  ["ADD COLUMN", "ALTER TABLE t RENAME COLUMN b TO c", "ALTER TABLE t ADD COLUMN b"],
  ["DROP COLUMN", "ALTER TABLE t ADD COLUMN c", "ALTER TABLE t DROP COLUMN c"],
  ["RENAME", "DROP TABLE other", "ALTER TABLE t RENAME TO other"],
  ["CREATE INDEX", "DROP INDEX i", "CREATE INDEX i ON t(a)"],
])("%s goes by the schema that was pulled, also right after the pull", async (_, theirs, ours) => {
  const remote = await syncRemote(
    "CREATE TABLE t(a, b); CREATE TABLE other(x); CREATE INDEX i ON t(b); INSERT INTO t VALUES (1, 2)",
  );
  const db = await remote.replica();
  await db.exec("UPDATE t SET b = 3");
  await db.push();
  remote.exec(theirs);
  await db.pull();
  await db.exec(ours);
  await db.push();
  const schema =
    "SELECT sql FROM sqlite_schema WHERE name NOT LIKE 'turso%' AND sql IS NOT NULL ORDER BY name";
  expect(remote.rows(schema)).toEqual(await rowsOf(db, schema));
});
