import { afterEach, beforeEach, expect, it } from "vitest";
import { type ConnectOptions, connect, type Database } from "../src/index.ts";
import { type RemoteFile, serveRemoteFile } from "./remote-file.ts";

const MIB = 1 << 20;
const SCAN = "SELECT sum(length(note)) AS bytes FROM person";
const LOOKUP = "SELECT name FROM person WHERE id = ?";

let remote: RemoteFile;
const open: Database[] = [];

beforeEach(async () => {
  // Some two megabytes more.
  remote = await serveRemoteFile("CREATE TABLE large AS SELECT id, zeroblob(700) AS bytes FROM person");
});

afterEach(async () => {
  for (const db of open.splice(0)) await db.close();
  await remote.close();
});

async function connectTo(options: Partial<ConnectOptions> = {}): Promise<Database> {
  const path = `${remote.directory}/replica.db`;
  const db = await connect({
    path,
    url: remote.syncUrl,
    fetch: remote.fetch,
    partialSync: {},
    memoryBytes: 0,
    ...options,
  });
  open.push(db);
  return db;
}

const heldBytes = async (db: Database): Promise<number> => {
  const { residentPages, pageSize } = await db.stats();
  return residentPages * pageSize;
};

it("keeps no more than maxBytes, and answers all the same", async () => {
  const db = await connectTo({ maxBytes: MIB });
  const expected = { ...remote.authority.prepare(SCAN).get() };
  for (let i = 0; i < 2; i++) {
    expect({ ...(await db.get(SCAN)) }).toEqual(expected);
    expect({ ...(await db.get("SELECT sum(length(bytes)) AS bytes FROM large")) }).toEqual({
      bytes: 2_800_000,
    });
    expect(await heldBytes(db)).toBeLessThanOrEqual(MIB);
  }
});

it("spares the way to every row: a lookup after much else takes one request for its leaf", async () => {
  const db = await connectTo({ maxBytes: MIB, partialSync: { prefetch: false, segmentSize: 4096 } });
  await db.get(LOOKUP, 77);
  await db.get("SELECT sum(length(bytes)) FROM large");
  await db.get("SELECT sum(length(bytes)) FROM large");
  const { requests } = remote;
  expect({ ...(await db.get(LOOKUP, 78)) }).toEqual({ ...remote.authority.prepare(LOOKUP).get(78) });
  expect(remote.requests - requests).toBe(1);
});

it("keeps a part of what is hydrated, and says that it is not all", async () => {
  const db = await connectTo({ maxBytes: MIB });
  await expect(db.hydrate()).rejects.toMatchObject({
    code: "STORAGE_FULL",
    message: expect.stringContaining("more than it holds"),
  });
  const held = await heldBytes(db);
  expect(held).toBeGreaterThan(MIB / 2);
  expect(held).toBeLessThanOrEqual(MIB);
  await db.hydrate({ table: "tag" });
  expect(await db.isResident("SELECT * FROM tag")).toBe(true);
});

it("spares what was written here and not pushed", async () => {
  const db = await connectTo({ maxBytes: MIB });
  await db.run("UPDATE person SET name = 'mine' WHERE id % 100 = 0");
  await db.get("SELECT sum(length(bytes)) FROM large");
  await db.get(SCAN);
  expect({ ...(await db.get("SELECT count(*) AS n FROM person WHERE name = 'mine'")) }).toEqual({ n: 40 });
  await db.close();
  const again = await connectTo({ maxBytes: MIB });
  expect({ ...(await again.get("SELECT count(*) AS n FROM person WHERE name = 'mine'")) }).toEqual({ n: 40 });
  expect((await again.stats()).cdcOperations).toBe(1);
});

it("refuses a limit together with the whole database, and storage options that it does not know", async () => {
  const whole = connectTo({ maxBytes: MIB, partialSync: undefined });
  await expect(whole).rejects.toMatchObject({
    code: "INVALID_OPTION",
    message: expect.stringContaining("maxBytes"),
  });
  await expect(connectTo({ maxBytes: MIB - 1 })).rejects.toMatchObject({ code: "INVALID_OPTION" });
  const unknown = connectTo({ storage: { kind: "disk" as never } });
  await expect(unknown).rejects.toMatchObject({
    code: "INVALID_OPTION",
    message: expect.stringContaining("storage.kind"),
  });
});
