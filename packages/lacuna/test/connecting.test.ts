import { memoryStore } from "@lacuna/storage/memory";
import { describe, expect, it, onTestFinished } from "vitest";
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

describe("calls that cannot be meant are INVALID_OPTION, and say what was expected", () => {
  // Programs that are not checked by a compiler pass anything.
  const given: [string, (db: Database) => unknown, string][] = [
    ["SQL that is undefined", (db) => db.all(undefined as never), "SQL must be a string, got undefined"],
    ["a number to execute", (db) => db.exec(5 as never), "SQL must be a string, got number"],
    ["a batch of one text", (db) => db.batch("SELECT 1" as never), "a batch must be a list"],
    ["a batch of numbers", (db) => db.batch([5 as never]), "SQL must be a string"],
    [
      "a misspelt mode of a batch",
      (db) => db.batch(["SELECT 1"], { mod: "immediate" } as never),
      "a batch has no option mod; it has mode",
    ],
    ["nothing to hydrate", (db) => db.hydrate({ tabel: "t" } as never), "hydrate takes a query, { table }"],
    ["null to hydrate", (db) => db.hydrate(null as never), "hydrate takes a query, { table }"],
    ["an unknown event", (db) => db.on("changed" as never, () => {}), "there is no event changed; there are"],
    ["no listener", (db) => db.on("change", undefined as never), "a listener must be a function"],
    ["a change by its number", (db) => db.discard(17 as never), 'such as "17.3" or "17", got 17'],
    [
      "an unknown option of a call",
      (db) => db.with({ sginal: 1 } as never).all("SELECT 1"),
      "a call has no option sginal; it has signal",
    ],
    [
      "another kind of option of a call",
      (db) => db.with({ signal: 5 as never }).all("SELECT 1"),
      "option signal must be an AbortSignal, got 5",
    ],
  ];

  it.each(given)("%s", async (_, call, message) => {
    const db = await connect({ path: ":memory:" });
    onTestFinished(() => db.close());
    const made = (async () => call(db))();
    await expect(made).rejects.toMatchObject({
      code: "INVALID_OPTION",
      message: expect.stringContaining(message),
    });
  });
});
