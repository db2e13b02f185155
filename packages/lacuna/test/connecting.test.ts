import { memoryStore } from "@lacuna/storage/memory";
import { expect, it } from "vitest";
import { connect, Database } from "../src/index.ts";

it("the rule for integers holds also when it is set while the database is opened", async () => {
  const db = new Database({ path: ":memory:" });
  const connecting = db.connect();
  db.defaultSafeIntegers();
  await connecting;
  expect(await db.get("SELECT 1 AS one")).toEqual({ one: 1n });
  await db.close();
});

it.each([
  ["an address that cannot be one", { url: "localhost:8080" }],
  [
    "a signal that was aborted before",
    { url: "http://server", signal: AbortSignal.abort(new Error("enough")) },
  ],
])("a store is closed also when opening fails early, by %s", async (_, options) => {
  const store = memoryStore();
  await expect(connect({ path: ":memory:", store, ...options })).rejects.toThrow();
  await expect(store.flush()).rejects.toMatchObject({ code: "CLOSED" });
});
