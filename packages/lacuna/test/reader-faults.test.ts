import { LacunaError, type PageNo } from "@lacuna/page";
import { databaseFromFile } from "@lacuna/testkit";
import { describe, expect, it } from "vitest";
import { openSample, sampleDatabase } from "./sample-database.ts";

const ROWS = `
  CREATE TABLE item (id INTEGER PRIMARY KEY, grp INT, note TEXT);
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 3000)
  INSERT INTO item SELECT i, i % 50, 'note number ' || i || printf('%.*c', 200, 'x') FROM n;
  CREATE INDEX item_grp ON item (grp);
`;
const sample = (revision?: string) => sampleDatabase(ROWS, 1024, revision);
const gone = new LacunaError("NETWORK", "the remote is gone");

describe("a scan whose remote moves on", () => {
  it("fails, and the next call sees the new state", async () => {
    const { db, transport } = await openSample(sample());
    const moved = sampleDatabase(
      `${ROWS} DELETE FROM item WHERE id > 10; CREATE TABLE more (x); INSERT INTO more VALUES (1)`,
      1024,
      "r2",
    );
    const scan = db.table<{ id: number }>("item").scan();
    expect((await scan.next()).value).toMatchObject({ id: 1 });
    transport.replace(moved.remote);
    const rest = async (): Promise<void> => {
      for await (const _ of scan);
    };
    await expect(rest()).rejects.toMatchObject({ code: "REVISION_CHANGED", page: expect.any(Number) });
    expect(await db.table("item").count()).toBe(10);
    expect(await db.table("more").get(1)).toEqual({ x: 1 });
    expect(db.stats().revision).toBe("r2");
  });
});

describe("an aborted call", () => {
  it("fails with the reason, and leaves the others alone", async () => {
    const { db, transport } = await openSample(sample());
    const reason = new Error("enough");
    const abort = new AbortController();
    transport.hold();
    const aborted = db.table("item").get(2000, { signal: abort.signal });
    const other = db.table("item").get(2001, { columns: ["id"] });
    await new Promise((resolve) => setImmediate(resolve));
    abort.abort(reason);
    await expect(aborted).rejects.toBe(reason);
    transport.release();
    expect(await other).toEqual({ id: 2001 });
  });

  it("cancels what only it waits for", async () => {
    const { db, transport } = await openSample(sample());
    const abort = new AbortController();
    const scan = db.table("item").scan({ signal: abort.signal, from: 1, to: 3000 });
    await scan.next();
    transport.hold();
    const failing = (async () => {
      for await (const _ of scan);
    })();
    await new Promise((resolve) => setImmediate(resolve));
    abort.abort(new Error("enough"));
    await expect(failing).rejects.toThrow("enough");
    expect(transport.requests.map(({ state }) => state)).not.toContain("open");
  });

  it.each([
    [
      "get",
      (signal: AbortSignal, db: Awaited<ReturnType<typeof openSample>>["db"]) =>
        db.table("item").get(1, { signal }),
    ],
    [
      "count",
      (signal: AbortSignal, db: Awaited<ReturnType<typeof openSample>>["db"]) =>
        db.index("item_grp").count({ signal }),
    ],
    [
      "range",
      (signal: AbortSignal, db: Awaited<ReturnType<typeof openSample>>["db"]) =>
        db.index("item_grp").range({ signal }).next(),
    ],
    [
      "tables",
      (signal: AbortSignal, db: Awaited<ReturnType<typeof openSample>>["db"]) => db.tables({ signal }),
    ],
  ])("%s asks for nothing if it was aborted before", async (_, call) => {
    const { db, transport } = await openSample(sample());
    const before = transport.requests.length;
    await expect(call(AbortSignal.abort(new Error("enough")), db)).rejects.toThrow("enough");
    expect(transport.requests).toHaveLength(before);
  });
});

describe("closing", () => {
  it("ends a scan and every later call with CLOSED", async () => {
    const { db } = await openSample(sample());
    const scan = db.table("item").scan();
    await scan.next();
    await db.close();
    const rest = async (): Promise<void> => {
      for await (const _ of scan);
    };
    await expect(rest()).rejects.toMatchObject({ code: "CLOSED" });
    await expect(db.table("item").get(1)).rejects.toMatchObject({ code: "CLOSED" });
    await db.close();
  });
});

describe("a remote that fails", () => {
  it("fails the call with the page, and the same call succeeds afterwards", async () => {
    const { db, transport } = await openSample(sample());
    transport.misbehave({ error: gone });
    await expect(db.table("item").get(2000)).rejects.toMatchObject({ code: "NETWORK", page: 2 });
    expect(await db.table("item").get(2000)).toMatchObject({ id: 2000 });
  });

  it("in the middle of what was fetched ahead costs one more request", async () => {
    const { db, transport } = await openSample(sample());
    const read = async (): Promise<number> => {
      let rows = 0;
      for await (const _ of db.table("item").scan({ from: 1, to: 3000 })) rows++;
      return rows;
    };
    // The root, the interior pages, then leaves, of which only some come.
    transport.misbehave({}, {}, { error: gone, afterPages: 5 });
    expect(await read()).toBe(3000);
    expect(transport.asked.map((pages) => pages.length > 100)).toEqual([false, false, true, true]);
  });
});

describe("damaged pages", () => {
  const damaged = (change: (file: Uint8Array) => void) => {
    const { authority, remote } = sample();
    const file = authority.serialize();
    change(file);
    return { authority, remote: databaseFromFile(file, { pageSize: remote.shape.pageSize }) };
  };

  it("end as CORRUPT_PAGE with the page, where they are met", async () => {
    const { db } = await openSample(damaged((file) => file.fill(0x77, 1024, 1034)));
    await expect(db.table("item").get(1)).rejects.toMatchObject({ code: "CORRUPT_PAGE", page: 2 });
    await expect(db.table("item").scan().next()).rejects.toMatchObject({ code: "CORRUPT_PAGE", page: 2 });
    await expect(db.table("item").count()).rejects.toMatchObject({ code: "CORRUPT_PAGE", page: 2 });
  });

  it("end as CORRUPT_PAGE where an index names a row that is not there", async () => {
    // The index goes on as it is when its table, below the highest row id, loses rows behind its back.
    const emptied = sampleDatabase(
      `${ROWS} CREATE TABLE other (id INTEGER PRIMARY KEY, grp INT, note TEXT); INSERT INTO other VALUES (1, 1, 'one')`,
      1024,
    );
    const rootOf = (name: string): number =>
      Number(
        emptied.authority.prepare("SELECT rootpage FROM sqlite_schema WHERE name = ?").get(name)?.[
          "rootpage"
        ],
      );
    const file = emptied.authority.serialize();
    const pageAt = (page: number): number => (page - 1) * 1024;
    file.copyWithin(pageAt(rootOf("item")), pageAt(rootOf("other")), pageAt(rootOf("other")) + 1024);
    const changed = { ...emptied, remote: databaseFromFile(file, { pageSize: 1024 }) };
    const { db } = await openSample(changed);
    await expect(db.index("item_grp").range({ from: 7, to: 7 }).next()).rejects.toMatchObject({
      code: "CORRUPT_PAGE",
      page: expect.any(Number),
      message: expect.stringContaining("expected a row of item"),
    });
  });

  it("of another size than the remote says end as CORRUPT_PAGE", async () => {
    const file = damaged((bytes) => new DataView(bytes.buffer, bytes.byteOffset).setUint16(16, 2048));
    await expect(openSample(file)).rejects.toMatchObject({
      code: "CORRUPT_PAGE",
      page: 1 as PageNo,
      offset: 16,
    });
  });
});
