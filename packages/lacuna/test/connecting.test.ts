import { expect, it } from "vitest";
import { Database } from "../src/index.ts";

it("the rule for integers holds also when it is set while the database is opened", async () => {
  const db = new Database({ path: ":memory:" });
  const connecting = db.connect();
  db.defaultSafeIntegers();
  await connecting;
  expect(await db.get("SELECT 1 AS one")).toEqual({ one: 1n });
  await db.close();
});
