import { isLacunaError } from "@lacuna/page";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { type ConnectOptions, connect, type Database, type Progress } from "../src/index.ts";
import { type RemoteFile, serveRemoteFile } from "./remote-file.ts";

let remote: RemoteFile;
const open: Database[] = [];

beforeEach(async () => {
  remote = await serveRemoteFile();
});

afterEach(async () => {
  for (const db of open.splice(0)) await db.close();
  await remote.close();
});

async function opened(kind: "sync-server" | "static", driver?: ConnectOptions["driver"]): Promise<Database> {
  const { fetch, syncUrl, staticUrl } = remote;
  const url = kind === "static" ? staticUrl : syncUrl;
  const partialSync = { bootstrapStrategy: { kind: "prefix", length: 4096 } } as const;
  const db = await connect({ path: ":memory:", url, fetch, driver, remote: kind, partialSync });
  open.push(db);
  return db;
}

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => "no error",
    (error: unknown) => (isLacunaError(error) ? error.code : error),
  );

const QUERY = "SELECT note FROM person WHERE name >= 'name 17' ORDER BY name LIMIT 40";

describe("hydrating a query", () => {
  it("takes one request at a server that runs SQL, and the query then none, also offline", async () => {
    const db = await opened("sync-server");
    const before = remote.requests;
    await db.hydrate(QUERY);
    expect(remote.requests - before).toBe(1);
    expect(await db.isResident(QUERY)).toBe(true);
    remote.intercept = () => Promise.reject(new TypeError("the network is down"));
    expect(await db.all(QUERY)).toEqual(remote.authority.prepare(QUERY).all());
    await db.hydrate(QUERY);
    expect(remote.requests - before).toBe(1);
  });

  it.each(["jspi", "restart"] as const)("runs it ahead on a static host, with driver %s", async (driver) => {
    const db = await opened("static", driver);
    const told: Progress[] = [];
    await db.hydrate(QUERY, { onProgress: (progress) => told.push(progress) });
    const before = remote.requests;
    expect(await db.all(QUERY)).toEqual(remote.authority.prepare(QUERY).all());
    expect(remote.requests).toBe(before);
    const { residentPages, pageCount } = await db.stats();
    expect(told.at(-1)).toMatchObject({ pages: residentPages, pageCount });
  });

  it.each(["DELETE FROM person", "WITH x AS (SELECT 1) DELETE FROM person", "SELECT nothing FROM nowhere"])(
    "refuses %s, and changes nothing",
    async (sql) => {
      const db = await opened("sync-server");
      expect(await codeOf(db.hydrate(sql))).not.toBe("no error");
      expect(await db.get("SELECT count(*) AS n FROM person")).toEqual({ n: 4000 });
    },
  );

  it("ends with the reason of its signal", async () => {
    const db = await opened("static");
    const reason = new Error("enough");
    const abort = new AbortController();
    const hydrating = db.hydrate("SELECT sum(length(note)) FROM person", { signal: abort.signal });
    abort.abort(reason);
    expect(await codeOf(hydrating)).toBe(reason);
  });
});

describe("hydrating a table, or everything", () => {
  it.each(["sync-server", "static"] as const)(
    "brings a table with what belongs to it from a %s",
    async (kind) => {
      const db = await opened(kind);
      await db.hydrate({ table: "person" });
      const before = remote.requests;
      for (const sql of [QUERY, "SELECT count(*) AS n FROM person", "SELECT max(name) AS m FROM person"]) {
        expect(await db.all(sql)).toEqual(remote.authority.prepare(sql).all());
      }
      expect(remote.requests).toBe(before);
      expect((await db.stats()).cache.causes.hydrate?.fetched).toBeGreaterThan(200);
      expect(await codeOf(db.hydrate({ table: "nobody" }))).toBe("INVALID_OPTION");
    },
  );

  it("brings all that is missing, after which everything can be read offline", async () => {
    const db = await opened("sync-server");
    await db.hydrate();
    const { residentPages, pageCount } = await db.stats();
    expect(residentPages).toBe(pageCount);
    remote.intercept = () => Promise.reject(new TypeError("the network is down"));
    expect(await db.get("SELECT length(bytes) AS n FROM blob WHERE id = 1")).toEqual({ n: 100_000 });
    await db.hydrate();
  });

  it("ends with CLOSED when the database is closed", async () => {
    const db = await opened("sync-server");
    const hydrating = db.hydrate();
    await db.close();
    expect(await codeOf(hydrating)).toBe("CLOSED");
  });
});
