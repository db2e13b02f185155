import { LacunaError, type PageNo } from "@lacuna/page";
import type { PrefetchSnapshot } from "@lacuna/pager";
import { laterTurn, ManualTimers } from "@lacuna/testkit";
import { beforeAll, expect, it } from "vitest";
import { openSqlite } from "../src/index.ts";
import { BytesSource, makeDatabase } from "./bytes-source.ts";
import { describeDrivers } from "./drivers.ts";
import { openRemote } from "./remote-source.ts";

const ROWS = 20_000;
let bytes: Uint8Array;
beforeAll(() => {
  bytes = makeDatabase((db) => {
    db.exec(`PRAGMA page_size = 1024;
      CREATE TABLE t(id INTEGER PRIMARY KEY, grp INT, flag INT, body TEXT); CREATE TABLE one(v INT);
      INSERT INTO one VALUES (1);
      WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM c WHERE i < ${ROWS})
        INSERT INTO t SELECT i, i * 7919 % 400, i % 1000 = 0, printf('%060d', i) FROM c;
      CREATE INDEX t_grp ON t(grp);`);
  });
});

const SCAN = "SELECT sum(length(body)) AS total FROM t";
const TOTAL = [{ total: 60 * ROWS }];
const headOnly = (page: number): boolean => page === 1;

/** Lets pages come and requests go out until nothing more happens. */
async function settled(): Promise<void> {
  for (let turn = 0; turn < 20; turn++) await laterTurn();
}

describeDrivers("running ahead", (driver) => {
  it("asks for the demanded page first, in the same request as what comes after it", async () => {
    const remote = await openRemote(bytes, driver, { present: (page) => page !== 2 && page !== 3 });
    remote.reset();
    expect(await remote.db.all("SELECT id FROM t WHERE id = 1")).toEqual([{ id: 1 }]);
    const [request] = remote.transport.requests;
    expect(request?.urgency).toBe("demand");
    await remote.close();
    const cold = await openRemote(bytes, driver, { present: headOnly });
    cold.reset();
    await cold.db.all(SCAN);
    const large = cold.transport.requests.find(({ pages }) => pages.length > 100);
    expect(large).toBeDefined();
    for (const { pages, urgency } of cold.transport.requests) {
      if (urgency === "demand") expect(pages[0]).toBeGreaterThan(0);
    }
    await cold.close();
  });

  it("asks for no page that is here or on the way", async () => {
    const remote = await openRemote(bytes, driver, { present: (page) => page === 1 || page % 3 === 0 });
    await Promise.all([
      remote.db.all(SCAN),
      remote.db.all("SELECT count(*) FROM t WHERE grp BETWEEN 5 AND 9 AND length(body) > 1"),
      remote.db.all(SCAN),
    ]);
    const asked = remote.transport.asked.flat();
    expect(new Set(asked).size).toBe(asked.length);
    expect(asked.filter((page) => page % 3 === 0)).toEqual([]);
    await remote.close();
  });

  it("finds every row that an index points to, also at the ends of a table", async () => {
    const remote = await openRemote(bytes, driver, { present: headOnly });
    const sql = "SELECT count(*) AS n, sum(length(body)) AS bytes FROM t WHERE grp BETWEEN 3 AND 9";
    expect(await remote.db.all(sql)).toEqual([{ n: 350, bytes: 350 * 60 }]);
    expect(remote.db.stats().runAhead).toMatchObject({ failed: 0 });
    await remote.close();
  });

  it("asks for nothing ahead when it is off", async () => {
    const remote = await openRemote(bytes, driver, { present: headOnly, runAhead: false });
    expect(await remote.db.all("SELECT count(*) AS n FROM t WHERE id < 300")).toEqual([{ n: 299 }]);
    for (const request of remote.transport.requests) expect(request.pages).toHaveLength(1);
    expect(remote.db.stats().runAhead).toBeUndefined();
    await remote.close();
  });

  it("stops asking when its query is aborted, and gives up what is on the way", async () => {
    const remote = await openRemote(bytes, driver, { present: headOnly });
    const controller = new AbortController();
    remote.transport.hold();
    const query = remote.db.with({ signal: controller.signal }).all(SCAN);
    // Into the leaves, where much is asked for ahead.
    for (let round = 0; round < 6; round++) {
      remote.transport.deliver(10);
      await settled();
    }
    expect(remote.transport.requests.at(-1)?.pages.length).toBeGreaterThan(1);
    controller.abort(new Error("enough"));
    await expect(query).rejects.toThrow("enough");
    const sent = remote.transport.requests.length;
    remote.transport.release();
    await settled();
    expect(remote.transport.requests).toHaveLength(sent);
    for (const { state } of remote.transport.requests) expect(state).not.toBe("open");
    await remote.close();
  });

  it("drops what is queued when its statement ends", async () => {
    const remote = await openRemote(bytes, driver, { present: headOnly });
    expect(await remote.db.get("SELECT id FROM t WHERE flag = 1")).toEqual({ id: 1000 });
    const sent = remote.transport.requests.length;
    await settled();
    expect(remote.transport.requests).toHaveLength(sent);
    const { fetchedPages } = remote.cache.stats();
    expect(fetchedPages).toBeLessThan(600);
    await remote.close();
  });

  it("fails no statement by a prefetch that fails", async () => {
    const remote = await openRemote(bytes, driver, { present: headOnly });
    const gone = new LacunaError("NETWORK", "gone");
    const { transport } = remote;
    const fetchPages = transport.fetchPages.bind(transport);
    // The demanded page comes; whatever is asked for besides never does.
    transport.fetchPages = async function* (request, options) {
      let first = request.urgency === "demand";
      for await (const batch of fetchPages(request, options)) {
        if (!first) throw gone;
        yield batch;
        first = false;
      }
    };
    expect(await remote.db.all("SELECT count(*) AS n FROM t WHERE id < 500")).toEqual([{ n: 499 }]);
    await remote.close();
  });

  it("is not held up by a run that never ends", async () => {
    const remote = await openRemote(bytes, driver, { present: headOnly });
    // Over a placeholder, where v is NULL, this counts for ever.
    const sql = `WITH RECURSIVE c(i) AS (SELECT 1 UNION ALL
      SELECT i + 1 FROM c WHERE coalesce((SELECT v FROM one), 0) = 0) SELECT max(i) AS i FROM c`;
    expect(await remote.db.all(sql)).toEqual([{ i: 1 }]);
    await remote.close();
  });

  it("keeps answering when looking ahead throws, and counts nothing but that", async () => {
    const source = new BytesSource(bytes, { resident: "none" });
    const broken = {
      snapshot: () => ({
        ...source.snapshot(),
        prefetch: () => Promise.resolve(),
        glance: (page: PageNo): Uint8Array => {
          throw new Error(`page ${page} is not to be looked at`);
        },
      }),
    };
    const db = await openSqlite({ source: broken, driver });
    expect(await db.all("SELECT count(*) AS n FROM t WHERE id < 50")).toEqual([{ n: 49 }]);
    expect(db.stats().runAhead).toMatchObject({ runs: 0, named: 0 });
    await db.close();
  });

  it("keeps answering when all it is shown is garbage", async () => {
    const source = new BytesSource(bytes, { resident: "none" });
    const lying = {
      snapshot: () => {
        const snapshot = source.snapshot();
        return {
          ...snapshot,
          prefetch: () => Promise.resolve(),
          glance: (page: PageNo) => {
            const honest = snapshot.peek(page);
            return page <= 2 ? honest : honest?.map((byte, index) => byte ^ (index * page));
          },
        } satisfies PrefetchSnapshot;
      },
    };
    const db = await openSqlite({ source: lying, driver });
    expect(await db.all("SELECT count(*) AS n FROM t WHERE grp = 7 AND length(body) = 60")).toEqual([
      { n: 50 },
    ]);
    expect(db.stats().runAhead?.runs).toBeGreaterThan(0);
    await db.close();
  });

  it("releases its instances when nobody needs them", async () => {
    const timers = new ManualTimers();
    const remote = await openRemote(bytes, driver, {
      present: headOnly,
      timers,
      readerIdleMilliseconds: 5000,
    });
    await remote.db.all(SCAN);
    await settled();
    expect(remote.db.stats().runAhead?.instances).toBe(1);
    timers.advance(5000);
    expect(remote.db.stats().runAhead?.instances).toBe(0);
    expect(await remote.db.all(SCAN)).toEqual(TOTAL);
    await remote.close();
  });

  it("takes over settings that change what a read gives", async () => {
    const remote = await openRemote(bytes, driver, { present: headOnly });
    await remote.db.pragma("case_sensitive_like = 1");
    expect(await remote.db.all("SELECT count(*) AS n FROM t WHERE id < 900 AND body LIKE '%A%'")).toEqual([
      { n: 0 },
    ]);
    await remote.close();
  });

  it("tells what it did", async () => {
    const remote = await openRemote(bytes, driver, { present: headOnly });
    expect(await remote.db.all(SCAN)).toEqual(TOTAL);
    const stats = remote.db.stats().runAhead;
    expect(stats?.runs).toBeGreaterThan(0);
    expect(stats?.named).toBeGreaterThan(1000);
    expect(stats?.reached).toBe(stats?.named);
    // Those that the reader misses in the turn in which they are named count as demanded.
    const fetched = remote.cache.stats().causes["run-ahead"]?.fetched ?? 0;
    expect(fetched).toBeLessThanOrEqual(stats?.named ?? 0);
    expect(fetched).toBeGreaterThan(0.99 * (stats?.named ?? 0));
    await remote.close();
  });
});
