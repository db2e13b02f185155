import { DatabaseSync } from "node:sqlite";
import { laterTurn } from "@lacuna/testkit";
import { beforeAll, expect, it } from "vitest";
import { describeDrivers } from "./drivers.ts";
import { MESSAGES, makeMessages } from "./messages-database.ts";
import { type OpenedRemote, openRemote } from "./remote-source.ts";

let bytes: Uint8Array;
let authority: DatabaseSync;
beforeAll(() => {
  bytes = makeMessages();
  authority = new DatabaseSync(":memory:");
  authority.deserialize(bytes);
}, 60_000);

const scattered = Array.from({ length: 20 }, (_, index) => 1 + ((index * 245_489) % MESSAGES));
const third = Math.floor(MESSAGES / 3);

interface Bar {
  readonly requests: number;
  /** Bytes fetched over bytes of pages that were read, at most. */
  readonly ratio?: number;
  readonly bytes?: number;
  /** Pages asked for ahead over pages of these that were read, at most, also if they never came. */
  readonly asked?: number;
}

const EXACT = 1.02;

const WORKLOADS: readonly (readonly [name: string, sql: string | readonly string[], bar: Bar])[] = [
  ["a lookup", `SELECT * FROM message WHERE id = ${scattered[0]}`, { requests: 3, bytes: 65_536 }],
  [
    "20 lookups one after the other",
    scattered.map((id) => `SELECT * FROM message WHERE id = ${id}`),
    { requests: 24 },
  ],
  ["20 rows by IN", `SELECT * FROM message WHERE id IN (${scattered})`, { requests: 4, ratio: EXACT }],
  [
    "the last 100 rows of a user",
    "SELECT * FROM message WHERE user = 77 ORDER BY at DESC LIMIT 100",
    { requests: 6, ratio: 1.3 },
  ],
  [
    "a join of 20 users with their messages",
    "SELECT u.name, m.body FROM user u JOIN message m ON m.user = u.id WHERE u.id BETWEEN 40 AND 59",
    { requests: 9, ratio: 1.1 },
  ],
  ["a count", "SELECT count(*) FROM message", { requests: 10, ratio: EXACT }],
  [
    "groups over an index",
    "SELECT user, count(*), max(at) FROM message GROUP BY user",
    { requests: 10, ratio: EXACT },
  ],
  [
    "a range of 5000 rows",
    `SELECT * FROM message WHERE id BETWEEN ${third} AND ${third + 4999}`,
    { requests: 7, ratio: 1.25 },
  ],
  [
    "a range of an index with its rows",
    `SELECT * FROM message WHERE at BETWEEN ${third * 60} AND ${(third + 999) * 60}`,
    { requests: 7, ratio: 1.25 },
  ],
  ["a scan of a whole table", "SELECT sum(length(body)) FROM message", { requests: 16, ratio: 1.02 }],
  [
    "a scan with a filter",
    "SELECT count(*) FROM message NOT INDEXED WHERE flag = 1",
    { requests: 16, ratio: 1.02 },
  ],
  ["the first rows", "SELECT * FROM message LIMIT 10", { requests: 2, ratio: EXACT }],
  [
    "rows that a filter finds in the middle",
    `SELECT id FROM message NOT INDEXED WHERE at = ${third * 60} LIMIT 1`,
    { requests: 10, asked: 1.5 },
  ],
  ["the first rows by a filter", "SELECT * FROM message WHERE flag = 1 LIMIT 10", { requests: 5 }],
  ["rows far down", "SELECT * FROM message LIMIT 10 OFFSET 50000", { requests: 12, ratio: 1.1 }],
  ["a full text search", "SELECT rowid FROM text WHERE text MATCH 'word77'", { requests: 16 }],
  ["a large value", "SELECT data FROM file WHERE id = 2", { requests: 6, ratio: EXACT }],
  [
    "a range of keys",
    "SELECT * FROM setting WHERE key BETWEEN 'key 3' AND 'key 4'",
    { requests: 5, ratio: EXACT },
  ],
  ["rows of ids far apart", "SELECT * FROM sparse WHERE tag = 'tag 7'", { requests: 6, ratio: 1.1 }],
];

describeDrivers("running ahead", (driver) => {
  it.each(WORKLOADS)("takes few requests for %s", async (_name, sql, bar) => {
    const remote = await openRemote(bytes, driver);
    const statements = typeof sql === "string" ? [sql] : sql;
    for (const statement of statements) {
      expect(await remote.db.all(statement)).toEqual(answer(statement));
    }
    const cost = costOf(remote);
    // A run that cannot be suspended ends where its time does.
    expect(cost.requests).toBeLessThanOrEqual(bar.requests + (driver === "jspi" ? 0 : 3));
    expect(cost.ratio).toBeLessThanOrEqual(bar.ratio ?? Number.POSITIVE_INFINITY);
    expect(cost.bytes).toBeLessThanOrEqual(bar.bytes ?? Number.POSITIVE_INFINITY);
    const { named = 0, reached = 0 } = remote.db.stats().runAhead ?? {};
    if (bar.asked !== undefined) expect(named).toBeLessThanOrEqual(bar.asked * reached);
    remote.reset();
    for (const statement of statements) await remote.db.all(statement);
    expect(remote.transport.requests).toHaveLength(0);
    await remote.close();
  });

  it.each([
    ["a batch", `SELECT * FROM message WHERE id IN (${scattered})`, undefined],
    [
      "the leaves of a table joined with another",
      "SELECT count(s.body) FROM user u CROSS JOIN sparse s ON s.id = length(u.name) + u.id * 4294967296 WHERE u.id % 20 = 0",
      (page: number) => !isTableLeaf(page),
    ],
  ])(
    "asks for all that %s leads to once it is here, though the reader went on with its first page",
    async (_what, sql, present) => {
      const { db, transport, close } = await openRemote(
        bytes,
        driver,
        present === undefined ? {} : { present },
      );
      const settle = async (): Promise<void> => {
        for (let turn = 0; turn < 20; turn++) await laterTurn();
      };
      transport.hold();
      const rows = db.all(sql);
      await settle();
      const first = [...transport.requests];
      expect(transport.asked.flat().length).toBeGreaterThan(1);
      while (first.some(({ state }) => state !== "complete")) {
        transport.deliver(1);
        await settle();
      }
      const asked = transport.asked.flat().length;
      transport.release();
      await rows;
      expect(transport.asked.flat().length).toBe(asked);
      await close();
    },
  );

  it("asks for no more at once than half of the memory for pages", async () => {
    const memoryBytes = 4_194_304;
    const remote = await openRemote(bytes, driver, { memoryBytes });
    await remote.db.all("SELECT count(body) FROM message");
    const sizes = remote.transport.requests.map(({ pages }) => pages.length * 4096);
    expect(Math.max(...sizes)).toBeGreaterThan(memoryBytes / 16);
    expect(Math.max(...sizes)).toBeLessThanOrEqual(memoryBytes / 2 + 4096);
    await remote.close();
  });
});

/** What SQLite itself answers, in the form that the calls here give. */
function answer(sql: string): unknown[] {
  return authority
    .prepare(sql)
    .all()
    .map((row) => ({ ...row }));
}

/** Other than the schema. */
function isTableLeaf(page: number): boolean {
  return page > 1 && bytes[(page - 1) * 4096] === 13;
}

function costOf({ cache, transport }: OpenedRemote): { requests: number; bytes: number; ratio: number } {
  const { fetchedPages, fetchedBytes, demandPages, prefetch } = cache.stats();
  const used = demandPages + prefetch.used + prefetch.late;
  return { requests: transport.requests.length, bytes: fetchedBytes, ratio: fetchedPages / used };
}
