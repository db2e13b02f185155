import { type ConnectOptions, connect, type Database, isLacunaError } from "lacuna";
import { afterEach, describe, expect, it } from "vitest";
import { surroundings } from "./surroundings.ts";

const { directory, host, published, runtime, server, wasm } = surroundings();
const PEOPLE = 2000;
const open: Database[] = [];
let places = 0;

/** A path on durable storage: a file, or in browsers a name. */
const newPath = (): string =>
  `${directory ?? "databases"}/d${Math.random().toString(36).slice(2)}${++places}.db`;

async function connectTo(options: ConnectOptions): Promise<Database> {
  const given = wasm === undefined ? {} : { wasm: new URL(wasm) };
  const db = await connect({ ...given, ...options });
  open.push(db);
  return db;
}

afterEach(async () => {
  for (const db of open.splice(0)) await db.close();
});

const suspends = "Suspending" in WebAssembly;

describe.each(suspends ? (["jspi", "restart"] as const) : (["restart"] as const))(
  "SQL with driver %s",
  (driver) => {
    describe.each([server, `${host}/sample.db`, published])("from %s", (url) => {
      it("answers at once, and from memory the second time", async () => {
        const db = await connectTo({ path: ":memory:", url, driver, partialSync: {} });
        const sql = "SELECT name FROM person WHERE id = ?";
        expect(await db.all(sql, 1234)).toEqual([{ name: "person 1234" }]);
        const { requests } = await db.stats();
        expect(await db.all(sql, 1234)).toEqual([{ name: "person 1234" }]);
        expect((await db.stats()).requests).toBe(requests);
      });

      it("brings the whole database where that is asked for", async () => {
        const db = await connectTo({ path: ":memory:", url, driver });
        expect(await db.get("SELECT count(*) AS n FROM person")).toEqual({ n: PEOPLE });
      });

      it("answers ten questions at the same time", async () => {
        const db = await connectTo({ path: ":memory:", url, driver, partialSync: {} });
        const ids = Array.from({ length: 10 }, (_, i) => i * 150 + 1);
        const rows = await Promise.all(ids.map((id) => db.get("SELECT id FROM person WHERE id = ?", id)));
        expect(rows).toEqual(ids.map((id) => ({ id })));
      });
    });
  },
);

describe("driver jspi", () => {
  it("runs where WebAssembly can be suspended, and says so where it cannot", async () => {
    const opening = connectTo({ path: ":memory:", url: server, driver: "jspi", partialSync: {} });
    if (suspends) await opening;
    else await expect(opening).rejects.toSatisfy((error) => isLacunaError(error, "NOT_SUPPORTED"));
  });
});

describe("a replica that is written to", () => {
  it("keeps what was written without the remote, and brings it to another replica", async () => {
    const table = `t${Math.random().toString(36).slice(2)}`;
    const path = newPath();
    const writer = await connectTo({ path, url: server, partialSync: {} });
    await writer.exec(`CREATE TABLE ${table}(id INTEGER PRIMARY KEY, v TEXT)`);
    await writer.run(`INSERT INTO ${table} VALUES (1, ?)`, "written here");
    await writer.close();
    const again = await connectTo({ path, url: server, partialSync: {} });
    expect(await again.all(`SELECT * FROM ${table}`)).toEqual([{ id: 1, v: "written here" }]);
    await again.push();
    const other = await connectTo({ path: ":memory:", url: server, partialSync: {} });
    await other.pull();
    expect(await other.all(`SELECT * FROM ${table}`)).toEqual([{ id: 1, v: "written here" }]);
  });
});

describe("a replica that stays", () => {
  it("answers without its remote what it answered with it, and says what it lacks", async () => {
    const path = newPath();
    const online = await connectTo({ path, url: server, partialSync: {} });
    const sql = "SELECT name FROM person WHERE id = ?";
    expect(await online.all(sql, 3)).toEqual([{ name: "person 3" }]);
    await online.close();
    const offline = await connectTo({
      path,
      url: server,
      partialSync: {},
      fetch: async () => {
        throw new TypeError("no network");
      },
    });
    expect(await offline.all(sql, 3)).toEqual([{ name: "person 3" }]);
    await expect(offline.all("SELECT sum(length(about)) FROM person")).rejects.toSatisfy((error) =>
      isLacunaError(error, "NETWORK"),
    );
  });

  it("has one owner", async () => {
    const path = newPath();
    await connectTo({ path, url: server, partialSync: {} });
    const second = connectTo({ path, url: server, partialSync: {}, tabs: "exclusive" });
    await expect(second).rejects.toSatisfy((error) => isLacunaError(error, "LOCKED"));
  });
});

if (runtime.startsWith("chromium")) {
  describe("a replica that stays, in a browser", () => {
    it("is shared by those that have it open, and goes on when its owner closes", async () => {
      const path = newPath();
      const first = await connectTo({ path, url: server, partialSync: {} });
      const second = await connectTo({ path, url: server, partialSync: {} });
      const sql = "SELECT name FROM person WHERE id = ?";
      expect(await second.all(sql, 5)).toEqual([{ name: "person 5" }]);
      await second.run("UPDATE person SET name = 'changed' WHERE id = 5");
      expect(await first.all(sql, 5)).toEqual([{ name: "changed" }]);
      await first.close();
      expect(await second.all(sql, 5)).toEqual([{ name: "changed" }]);
    });
  });
}

describe(`the SQLite of ${runtime}`, () => {
  it("has full text search, JSON and window functions", async () => {
    const db = await connectTo({ path: ":memory:", url: server, partialSync: {} });
    expect(await db.get("SELECT json_extract('[1,2]', '$[1]') AS two")).toEqual({ two: 2 });
    expect(await db.all("SELECT id FROM letter WHERE letter MATCH 'seventh'")).toEqual([{ id: 7 }]);
    expect(await db.get("SELECT row_number() OVER (ORDER BY id) AS n FROM person LIMIT 1")).toEqual({ n: 1 });
  });
});
