import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { type ConnectOptions, connect, type Database } from "../src/index.ts";
import { type RemoteFile, serveRemoteFile } from "./remote-file.ts";
import { countRoundTrips } from "./round-trips.ts";

let remote: RemoteFile;
const open: Database[] = [];

beforeEach(async () => {
  remote = await serveRemoteFile();
});

afterEach(async () => {
  for (const db of open.splice(0)) await db.close();
  await remote.close();
});

async function opened(
  partialSync: ConnectOptions["partialSync"],
  driver: "jspi" | "restart",
): Promise<Database> {
  const { fetch, syncUrl: url } = remote;
  const db = await connect({ path: ":memory:", url, fetch, driver, remote: "sync-server", partialSync });
  open.push(db);
  return db;
}

const prefixOf = (length: number) => ({ kind: "prefix", length }) as const;
const lookup = (id: number): string => `SELECT name FROM person WHERE id = ${id}`;

/** The row id of the first row on a leaf of table `person`. */
function firstIdOnPage(page: number): number {
  const leaves = remote.authority
    .prepare("SELECT pageno, ncell FROM dbstat WHERE name = 'person' AND pagetype = 'leaf' ORDER BY path")
    .all();
  const position = leaves.findIndex(({ pageno }) => pageno === page);
  if (position === -1) throw new Error(`page ${page} is no leaf of person`);
  return 1 + leaves.slice(0, position).reduce((rows, { ncell }) => rows + Number(ncell), 0);
}

describe.each(["jspi", "restart"] as const)("requests, with driver %s", (driver) => {
  it("opening is one, and brings the prefix", async () => {
    const db = await opened({ bootstrapStrategy: prefixOf(65_536) }, driver);
    const { requests, residentPages } = await db.stats();
    expect({ requests, residentPages }).toEqual({ requests: 1, residentPages: 16 });
  });

  it("opening with the pages of a query is one, and the query then none", async () => {
    const query = "SELECT note FROM person WHERE name = 'name 17'";
    const db = await opened({ bootstrapStrategy: { kind: "query", query } }, driver);
    const { requests, residentPages } = await db.stats();
    expect(requests).toBe(1);
    expect(residentPages).toBeLessThan(12);
    expect(await db.all(query)).toEqual(remote.authority.prepare(query).all());
    expect((await db.stats()).requests).toBe(1);
    // What the query did not touch is still to be had.
    expect(await db.all("SELECT count(*) AS n FROM tag")).toEqual([{ n: 2000 }]);
  });

  it("a missing page is one for its segment, without the pages that are here", async () => {
    const db = await opened(
      { bootstrapStrategy: prefixOf(4096), segmentSize: 16_384, prefetch: false },
      driver,
    );
    await db.all(lookup(firstIdOnPage(6)));
    // The root, page 2, came with pages 3 and 4; page 6 came with pages 5, 7 and 8.
    await vi.waitFor(async () => expect((await db.stats()).residentPages).toBe(8));
    expect((await db.stats()).requests).toBe(3);
  });

  it("without a segment size, a missing page is one for itself alone", async () => {
    const db = await opened({ bootstrapStrategy: prefixOf(4096) }, driver);
    await db.all(lookup(firstIdOnPage(6)));
    const { residentPages, cache } = await db.stats();
    // Page 1, the root and the leaf.
    expect(residentPages).toBe(3);
    expect(cache.segment.fetched).toBe(0);
  });

  it("without a segment size and without prefetch, it is one for its segment of 128 KiB", async () => {
    const db = await opened({ bootstrapStrategy: prefixOf(4096), prefetch: false }, driver);
    await db.all(lookup(firstIdOnPage(6)));
    await vi.waitFor(async () => expect((await db.stats()).residentPages).toBe(32));
    expect((await db.stats()).cache.prefetch.fetched).toBe(0);
  });

  it("a statement that is repeated is none", async () => {
    const db = await opened({ prefetch: true }, driver);
    const sql = "SELECT count(*), max(name) FROM person";
    const first = await db.all(sql);
    const { requests } = await db.stats();
    expect(await db.all(sql)).toEqual(first);
    expect((await db.stats()).requests).toBe(requests);
  });

  it("twenty readers of one row are as many as one reader", async () => {
    const one = await opened({ bootstrapStrategy: prefixOf(4096), segmentSize: 4096 }, driver);
    await one.all(lookup(3000));
    const twenty = await opened({ bootstrapStrategy: prefixOf(4096), segmentSize: 4096 }, driver);
    await Promise.all(Array.from({ length: 20 }, () => twenty.all(lookup(3000))));
    expect((await twenty.stats()).requests).toBe((await one.stats()).requests);
  });

  it("ten cold lookups issued together take at most twice the round trips of one", async () => {
    const settings = { bootstrapStrategy: prefixOf(4096), segmentSize: 4096, prefetch: false };
    const byName = (id: number): string => `SELECT note FROM person WHERE name = 'name ${id}'`;
    const one = await opened(settings, driver);
    const single = await countRoundTrips(remote, () => one.all(byName(17)));
    const ten = await opened(settings, driver);
    const ids = Array.from({ length: 10 }, (_, i) => 17 + i * 389);
    const together = await countRoundTrips(remote, () => Promise.all(ids.map((id) => ten.all(byName(id)))));
    expect(single).toBeGreaterThan(3);
    expect(together).toBeLessThanOrEqual(2 * single);
  });

  it("a scan reads ahead: far fewer than it has segments", async () => {
    const segmentSize = 4096;
    const without = await opened({ bootstrapStrategy: prefixOf(4096), segmentSize, prefetch: false }, driver);
    const ahead = await opened({ bootstrapStrategy: prefixOf(4096), segmentSize, prefetch: true }, driver);
    const sql = "SELECT sum(length(note)) FROM person";
    expect(await ahead.all(sql)).toEqual(await without.all(sql));
    expect((await without.stats()).requests).toBeGreaterThan(200);
    expect((await ahead.stats()).requests).toBeLessThan(20);
  });
});
