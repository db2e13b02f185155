import { expect, it } from "vitest";
import { rowsOf, syncRemote } from "./sync-remote.ts";

const TABLE = "CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT)";

it("a push that arrives just before the one that follows it takes nothing of that one away", async () => {
  const remote = await syncRemote(TABLE);
  const db = await remote.replica({ attempts: 3 });
  await db.exec("INSERT INTO t VALUES (1, 'one')");
  let isDown = true;
  const onTheirWay: { readonly url: string; readonly init: RequestInit }[] = [];
  remote.intercept = async (request, pass) => {
    const { url, method, headers } = request;
    const body = await request.text();
    const isPush = body.includes("BEGIN");
    if (isDown) {
      // Whoever sent it gives it up, which must not end it.
      if (isPush) onTheirWay.push({ url, init: { method, headers, body } });
      throw new TypeError("the connection broke");
    }
    const late = isPush ? onTheirWay.shift() : undefined;
    if (late !== undefined) {
      const answer = await remote.fetch(late.url, late.init);
      expect(await answer.text()).toContain("step_results");
    }
    return pass();
  };
  await expect(db.push()).rejects.toMatchObject({ code: "NETWORK" });
  expect(onTheirWay).toHaveLength(1);
  isDown = false;
  await db.exec("INSERT INTO t VALUES (2, 'two')");
  await db.push();
  expect(onTheirWay).toHaveLength(0);
  expect(remote.rows("SELECT id FROM t ORDER BY id")).toEqual([[1], [2]]);
  expect(await db.pending()).toEqual([]);
  await db.pull();
  expect(await rowsOf(db, "SELECT id FROM t ORDER BY id")).toEqual([[1], [2]]);
});
