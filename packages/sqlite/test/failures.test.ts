import { LacunaError, pageNo } from "@lacuna/page";
import { laterTurn } from "@lacuna/testkit";
import { expect, it, vi } from "vitest";
import { openSqlite } from "../src/index.ts";
import { BytesSource, makeDatabase, type PendingRead } from "./bytes-source.ts";
import { describeDrivers, openBytes } from "./drivers.ts";

const bytes = makeDatabase((db) =>
  db.exec(`PRAGMA page_size = 1024; CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT);
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000)
      INSERT INTO t SELECT i, 'value ' || i FROM n;`),
);
const COUNT = "SELECT count(*) AS n, sum(id) AS s FROM t";
const ANSWER = { n: 5000, s: 12_502_500 };
const ENDLESS = "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT i FROM n";

const offline = (page: number) => new LacunaError("NETWORK", "the line is cut", { page: pageNo(page) });
const rejection = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => expect.unreachable("it succeeded"),
    (error: unknown) => error,
  );

describeDrivers("a page that cannot be read", (driver) => {
  it("comes out as the error of the read at whatever page it happens, and the statement succeeds later", async () => {
    const all = await openBytes(bytes, driver);
    expect(await all.db.get(COUNT)).toEqual(ANSWER);
    const pages = all.source.reads;
    await all.db.close();
    expect(pages.length).toBeGreaterThan(80);
    const { db, source } = await openBytes(bytes, driver);
    for (const page of pages.filter((_, index) => index > 0 && index % 9 === 0)) {
      const error = offline(page);
      source.failure = (failing) => (failing === page ? error : undefined);
      expect(await rejection(db.get(COUNT))).toBe(error);
    }
    source.failure = undefined;
    expect(await db.get(COUNT)).toEqual(ANSWER);
    expect(db.stats().instances).toBe(1);
    await db.close();
    expect(source.held).toBe(0);
  });

  it("fails opening, preparing and iterating the same way", async () => {
    const source = new BytesSource(bytes, { resident: "none" });
    const error = offline(1);
    source.failure = () => error;
    expect(await rejection(openSqlite({ source, driver }))).toBe(error);
    expect(source.held).toBe(0);

    const wide = makeDatabase((db) => {
      db.exec("PRAGMA page_size = 512");
      for (let table = 0; table < 40; table++) db.exec(`CREATE TABLE table_${table}(a, b, c)`);
    });
    const schema = await openBytes(wide, driver);
    schema.source.failure = () => error;
    expect(await rejection(schema.db.prepare("SELECT * FROM table_39"))).toBe(error);
    schema.source.failure = undefined;
    const statement = await schema.db.prepare("SELECT * FROM table_39");
    expect(statement.columns().map(({ name }) => name)).toEqual(["a", "b", "c"]);
    await schema.db.close();

    const { db, source: rows } = await openBytes(bytes, driver);
    let seen = 0;
    const iterating = (async () => {
      for await (const _ of db.iterate("SELECT * FROM t")) {
        if (++seen === 30) rows.failure = () => error;
      }
    })();
    if (driver === "jspi") expect(await rejection(iterating)).toBe(error);
    else await iterating;
    rows.failure = undefined;
    expect(await db.get(COUNT)).toEqual(ANSWER);
    await db.close();
    expect(rows.held).toBe(0);
  });

  it("leaves a transaction open, and what a writing statement had done undone", async () => {
    const { db, source } = await openBytes(bytes, driver);
    await db.exec("BEGIN; CREATE TEMP TABLE copy(id, v); INSERT INTO copy VALUES (0, 'kept')");
    const last = 60;
    const error = offline(last);
    source.failure = (page) => (page === last ? error : undefined);
    expect(await rejection(db.run("INSERT INTO copy SELECT * FROM t"))).toBe(error);
    expect(db.inTransaction).toBe(true);
    expect(await db.all("SELECT count(*) AS n FROM copy")).toEqual([{ n: 1 }]);
    source.failure = undefined;
    expect(await db.run("INSERT INTO copy SELECT * FROM t")).toEqual({
      changes: 5000,
      lastInsertRowid: 5001,
    });
    await db.exec("COMMIT");
    expect(await db.get("SELECT count(*) AS n FROM copy")).toEqual({ n: 5001 });
    await db.close();
  });

  it("is a SHORT_READ when it has another length than it should", async () => {
    const { db, source } = await openBytes(bytes, driver);
    const original = source.snapshot.bind(source);
    source.snapshot = () => {
      const snapshot = original();
      return { ...snapshot, read: async (page, options) => (await snapshot.read(page, options)).subarray(1) };
    };
    await expect(db.get(COUNT)).rejects.toMatchObject({ code: "SHORT_READ" });
    await db.close();
  });

  it("is SQLITE_CORRUPT when its bytes are not those of a page", async () => {
    const broken = bytes.slice();
    broken.fill(0x55, 1024, 2048);
    const { db } = await openBytes(broken, driver);
    await expect(db.get(COUNT)).rejects.toMatchObject({
      code: "SQL",
      sqliteCode: "SQLITE_CORRUPT",
      resultCode: 11,
    });
    expect(await db.all("SELECT name FROM sqlite_schema")).toEqual([{ name: "t" }]);
    await db.close();
  });
});

describeDrivers("aborting", (driver) => {
  it("ends a wait for a page with the reason, and nothing else", async () => {
    const { db, source } = await openBytes(bytes, driver, { readers: 2 });
    const pending: PendingRead[] = [];
    source.onRead = (read) => pending.push(read);
    const controller = new AbortController();
    const reason = new Error("enough");
    const aborted = rejection(db.with({ signal: controller.signal }).get("SELECT v FROM t WHERE id = 4000"));
    const other = db.get("SELECT v FROM t WHERE id = 4001");
    await vi.waitFor(() => expect(pending.length).toBeGreaterThan(0));
    controller.abort(reason);
    expect(await aborted).toBe(reason);
    source.onRead = undefined;
    for (const read of pending) read.deliver();
    expect(await other).toEqual({ v: "value 4001" });
    expect(await db.get("SELECT v FROM t WHERE id = 4000")).toEqual({ v: "value 4000" });
    await db.close();
    expect(source.held).toBe(0);
  });

  it("ends a wait for an instance", async () => {
    const { db, source } = await openBytes(bytes, driver, { readers: 1 });
    await db.exec("BEGIN");
    const pending: PendingRead[] = [];
    source.onRead = (read) => pending.push(read);
    const first = db.get(COUNT);
    await vi.waitFor(() => expect(pending.length).toBe(1));
    const controller = new AbortController();
    const queued = rejection(db.with({ signal: controller.signal }).get(COUNT));
    const third = db.get("SELECT v FROM t WHERE id = 1");
    await laterTurn();
    controller.abort("no more");
    expect(await queued).toBe("no more");
    source.onRead = undefined;
    pending[0]?.deliver();
    expect(await first).toEqual(ANSWER);
    expect(await third).toEqual({ v: "value 1" });
    expect(db.inTransaction).toBe(true);
    await db.close();
  });

  it("interrupts SQL that gives rows without end", async () => {
    const { db } = await openBytes(bytes, driver);
    const controller = new AbortController();
    const work = rejection(db.with({ signal: controller.signal }).all(ENDLESS));
    setImmediate(() => controller.abort("too much"));
    expect(await work).toBe("too much");
    expect(await db.get(COUNT)).toEqual(ANSWER);
    await db.close();
  });

  // The other driver has no way to let anything happen meanwhile.
  const itSuspending = driver === "jspi" ? it : () => {};
  itSuspending("interrupts SQL that only computes", async () => {
    const { db } = await openBytes(bytes, driver);
    const controller = new AbortController();
    const work = rejection(db.with({ signal: controller.signal }).get(`SELECT count(*) FROM (${ENDLESS})`));
    setImmediate(() => controller.abort("too long"));
    expect(await work).toBe("too long");
    expect(await db.get(COUNT)).toEqual(ANSWER);
    await db.close();
  });

  it("before a call makes it do nothing", async () => {
    const { db, source } = await openBytes(bytes, driver);
    const signal = AbortSignal.abort("never");
    const calls = db.with({ signal });
    const statement = await db.prepare("SELECT v FROM t");
    const reads = source.reads.length;
    for (const work of [
      calls.all("SELECT * FROM t"),
      calls.exec("SELECT 1"),
      calls.iterate("SELECT * FROM t").next(),
      db.prepare("SELECT * FROM t", { signal }),
      db.exec("SELECT * FROM t", { signal }),
      statement.with({ signal }).all(),
      openSqlite({ source, driver, signal }),
    ]) {
      expect(await rejection(work)).toBe("never");
    }
    expect(source.reads.length).toBe(reads);
    await db.close();
    expect(source.held).toBe(0);
  });
});

describeDrivers("closing", (driver) => {
  it("ends what is under way with CLOSED, and what comes after", async () => {
    const { db, source } = await openBytes(bytes, driver);
    const statement = await db.prepare("SELECT v FROM t WHERE id = ?");
    const iterator = db.iterate("SELECT id FROM t ORDER BY id");
    await iterator.next();
    await db.exec("BEGIN; CREATE TEMP TABLE x(a)");
    source.onRead = () => {};
    source.resident.clear();
    const under = [
      rejection(db.get(COUNT)),
      rejection(statement.get(4000)),
      rejection(db.exec("SELECT * FROM t")),
    ];
    await laterTurn();
    await db.close();
    for (const work of under) expect(await work).toMatchObject({ code: "CLOSED" });
    expect(db.open).toBe(false);
    for (const work of [
      () => db.get("SELECT 1"),
      () => db.exec("SELECT 1"),
      () => db.prepare("SELECT 1"),
      () => db.pragma("user_version"),
      () => db.with({}).all("SELECT 1"),
      () => db.iterate("SELECT 1").next(),
      () => statement.get(1),
    ]) {
      expect(await rejection(work())).toMatchObject({ code: "CLOSED" });
    }
    if (driver === "jspi") {
      const more = rejection(
        (async () => {
          for (let left = 3000; left > 0; left--) await iterator.next();
        })(),
      );
      expect(await more).toMatchObject({ code: "CLOSED" });
    }
    await db.close();
    expect(source.held).toBe(0);
  });
});
