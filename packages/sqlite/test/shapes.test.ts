import { DatabaseSync } from "node:sqlite";
import initSqlite from "@sqlite.org/sqlite-wasm";
import { expect, it } from "vitest";
import { openSqlite } from "../src/index.ts";
import { BytesSource, makeDatabase } from "./bytes-source.ts";
import { describeDrivers, openBytes } from "./drivers.ts";

const SCHEMA = `
  CREATE TABLE t(id INTEGER PRIMARY KEY, v TEXT, b BLOB);
  WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100)
    INSERT INTO t SELECT i, 'value ' || i, zeroblob(i * 17) FROM n;
  DELETE FROM t WHERE id % 10 = 0;
  CREATE INDEX t_v ON t(v);`;
const QUERY = "SELECT count(*) AS n, sum(length(b)) AS bytes, max(v) AS last FROM t";

function header(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset);
}

/** Only SQLite's C interface can set bytes aside on each page. */
async function withReservedBytes(reserved: number): Promise<Uint8Array> {
  const { capi, oo1, wasm } = await initSqlite();
  const db = new oo1.DB(":memory:");
  const pointer = wasm.alloc(4);
  wasm.poke32(pointer, reserved);
  db.checkRc(capi.sqlite3_file_control(db, "main", 38, pointer));
  db.exec(SCHEMA);
  db.exec("VACUUM");
  const bytes = capi.sqlite3_js_db_export(db);
  db.close();
  return bytes;
}

describeDrivers("a database", (driver) => {
  it.each([512, 1024, 4096, 32768, 65536])("of pages of %i bytes is read", async (pageSize) => {
    const bytes = makeDatabase((db) => db.exec(`PRAGMA page_size = ${pageSize}; ${SCHEMA}`));
    const authority = new DatabaseSync(":memory:");
    authority.deserialize(bytes);
    const { db } = await openBytes(bytes, driver);
    expect(await db.pragma("page_size")).toEqual([{ page_size: pageSize }]);
    expect(await db.get(QUERY)).toEqual({ ...authority.prepare(QUERY).get() });
    expect(await db.pragma("integrity_check")).toEqual([{ integrity_check: "ok" }]);
    await db.close();
  });

  it("with bytes reserved at the end of each page is read", async () => {
    const bytes = await withReservedBytes(16);
    expect(header(bytes).getUint8(20)).toBe(16);
    const { db } = await openBytes(bytes, driver);
    expect((await db.get(QUERY))?.["n"]).toBe(90);
    expect(await db.pragma("integrity_check")).toEqual([{ integrity_check: "ok" }]);
    await db.close();
  });

  it("with automatic vacuum is read", async () => {
    const bytes = makeDatabase((db) => db.exec(`PRAGMA auto_vacuum = FULL; ${SCHEMA}`));
    expect(header(bytes).getUint32(52)).toBeGreaterThan(0);
    const { db } = await openBytes(bytes, driver);
    expect((await db.get(QUERY))?.["n"]).toBe(90);
    expect(await db.pragma("integrity_check")).toEqual([{ integrity_check: "ok" }]);
    await db.close();
  });

  it("whose header says WAL is read, and looks like one with a rollback journal", async () => {
    const bytes = makeDatabase((db) => db.exec(SCHEMA));
    bytes[18] = 2;
    bytes[19] = 2;
    const { db } = await openBytes(bytes, driver);
    expect((await db.get(QUERY))?.["n"]).toBe(90);
    expect(await db.pragma("journal_mode")).toEqual([{ journal_mode: "delete" }]);
    await db.close();
  });

  it("whose header does not know the number of pages is read", async () => {
    const bytes = makeDatabase((db) => db.exec(SCHEMA));
    header(bytes).setUint32(28, 0);
    const { db } = await openBytes(bytes, driver);
    expect((await db.get(QUERY))?.["n"]).toBe(90);
    await db.close();
  });

  it("of no pages is empty", async () => {
    const { db, source } = await openBytes(new Uint8Array(0), driver);
    expect(await db.all("SELECT * FROM sqlite_schema")).toEqual([]);
    await expect(db.get("SELECT * FROM t")).rejects.toMatchObject({ message: "no such table: t" });
    expect(await db.get("SELECT 1 + 1 AS two")).toEqual({ two: 2 });
    source.replace(
      makeDatabase((other) => other.exec(SCHEMA)),
      "r2",
    );
    expect((await db.get(QUERY))?.["n"]).toBe(90);
    source.replace(new Uint8Array(0), "r3");
    await expect(db.get(QUERY)).rejects.toMatchObject({ message: "no such table: t" });
    await db.close();
  });

  it.each(["UTF-16le", "UTF-16be"])("of %s text is refused, with where to turn", async (encoding) => {
    const bytes = makeDatabase((db) => db.exec(`PRAGMA encoding = '${encoding}'; ${SCHEMA}`));
    const source = new BytesSource(bytes, { resident: "none" });
    await expect(openSqlite({ source, driver })).rejects.toMatchObject({
      code: "UNSUPPORTED_DATABASE",
      page: 1,
      offset: 56,
      message: expect.stringMatching(new RegExp(`${encoding}.*@lacuna/btree`)),
    });
    expect(source.held).toBe(0);
  });

  it("that is none is refused", async () => {
    const bytes = new Uint8Array(4096).fill(60);
    new DataView(bytes.buffer).setUint16(16, 4096);
    const source = new BytesSource(bytes);
    await expect(openSqlite({ source, driver })).rejects.toMatchObject({ code: "NOT_A_DATABASE", page: 1 });
    expect(source.held).toBe(0);
  });

  it("with another page size than the source says is refused", async () => {
    const source = new BytesSource(makeDatabase((db) => db.exec(SCHEMA)));
    const original = source.snapshot.bind(source);
    source.snapshot = () => {
      const snapshot = original();
      return { ...snapshot, pageSize: 1024, peek: (page) => snapshot.peek(page)?.subarray(0, 1024) };
    };
    await expect(openSqlite({ source, driver })).rejects.toMatchObject({ code: "CORRUPT_PAGE", offset: 16 });
  });

  it("reads a long value without filling SQLite's page cache", async () => {
    const bytes = makeDatabase((db) => {
      db.exec(
        "CREATE TABLE big(id INTEGER PRIMARY KEY, v BLOB); INSERT INTO big VALUES (1, randomblob(3000000))",
      );
    });
    const { db, source } = await openBytes(bytes, driver, { resident: "all" });
    const peeked: number[] = [];
    const original = source.snapshot.bind(source);
    source.snapshot = () => {
      const snapshot = original();
      return {
        ...snapshot,
        peek: (page) => {
          peeked.push(page);
          return snapshot.peek(page);
        },
      };
    };
    const row = await db.get<{ v: Uint8Array }>("SELECT v FROM big");
    expect(row?.v.length).toBe(3_000_000);
    const first = peeked.length;
    const again = await db.get<{ v: Uint8Array }>("SELECT v FROM big");
    expect(Buffer.from(again?.v ?? []).equals(row?.v ?? new Uint8Array(1))).toBe(true);
    expect(peeked.length - first).toBeGreaterThan(700);
    await db.close();
  });
});
