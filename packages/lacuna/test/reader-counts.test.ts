import { describe, expect, it } from "vitest";
import { openSample, plain, sampleDatabase } from "./sample-database.ts";

/** Trees of three levels: 20,000 rows on about 2,900 leaves, in pages of 1,024 bytes. */
const DEEP = `
  CREATE TABLE item (id INTEGER PRIMARY KEY, grp INT, note TEXT);
  WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
  INSERT INTO item SELECT i, i * 7919 % 200, 'note number ' || i || printf('%.*c', 100, 'x') FROM n;
  CREATE INDEX item_grp ON item (grp);
  CREATE TABLE word (w TEXT PRIMARY KEY, uses INT) WITHOUT ROWID;
  INSERT INTO word SELECT printf('%06d', id), id FROM item;
`;
const deep = (): ReturnType<typeof sampleDatabase> => sampleDatabase(DEEP, 1024);

/** Pages of a tree by level, from `dbstat`. */
function pagesOf(sample: ReturnType<typeof sampleDatabase>, name: string) {
  const rows = sample.authority
    .prepare("SELECT pageno AS page, path, pagetype FROM dbstat WHERE name = ? ORDER BY path")
    .all(name) as { page: number; path: string; pagetype: string }[];
  const depth = Math.max(...rows.map(({ path }) => path.split("/").length - 1));
  return { rows, depth, leaves: rows.filter(({ pagetype }) => pagetype === "leaf").map(({ page }) => page) };
}

const flat = (asked: readonly (readonly number[])[]): number[] => asked.flat();

describe("pages and requests of a reader", () => {
  it("a row by row id takes one request for each level of the tree, and no other page", async () => {
    const sample = deep();
    const { depth } = pagesOf(sample, "item");
    expect(depth).toBeGreaterThanOrEqual(3);
    const { db, transport } = await openSample(sample);
    expect(await db.table("item").get(12_345, { columns: ["id"] })).toEqual({ id: 12_345 });
    expect(transport.asked.map((pages) => pages.length)).toEqual(Array.from({ length: depth }, () => 1));
  });

  it("a row by primary key takes at most one request for each level", async () => {
    const sample = deep();
    const { depth } = pagesOf(sample, "word");
    const { db, transport } = await openSample(sample);
    expect(await db.table("word").get("012345")).toEqual({ w: "012345", uses: 12_345 });
    expect(transport.requests.length).toBeLessThanOrEqual(depth);
  });

  it("what was read is not asked for again", async () => {
    const { db, transport } = await openSample(deep());
    await db.table("item").get(777);
    const { length } = transport.requests;
    await db.table("item").get(777);
    expect(transport.requests).toHaveLength(length);
  });

  it("a hundred rows take as many requests as one", async () => {
    const sample = deep();
    const { db, transport } = await openSample(sample);
    const ids = Array.from({ length: 100 }, (_, at) => 1 + ((at * 6007) % 20_000));
    const rows = await db.table("item").getMany(ids, { columns: ["id"] });
    expect(rows).toEqual(ids.map((id) => ({ id })));
    expect(transport.requests).toHaveLength(pagesOf(sample, "item").depth);
  });

  it("a bounded range takes its interior pages level by level and then exactly its leaves, in one request", async () => {
    const sample = deep();
    const { depth, leaves, rows } = pagesOf(sample, "item");
    const { db, transport } = await openSample(sample);
    let expected = 5_000;
    for await (const { id } of db.table("item").scan({ from: 5_000, to: 6_000 })) expect(id).toBe(expected++);
    expect(expected).toBe(6_001);
    expect(transport.requests).toHaveLength(depth);
    const asked = flat(transport.asked);
    const kinds = new Map(rows.map(({ page, pagetype }) => [page, pagetype]));
    const inside = asked.filter((page) => kinds.get(page) === "leaf").map((page) => leaves.indexOf(page));
    // Neighbours without a gap, as many as the rows of the range can fill.
    expect(inside).toEqual(inside.map((_, at) => (inside[0] as number) + at));
    expect(inside.length).toBeGreaterThan(100);
    expect(inside.length).toBeLessThanOrEqual(Math.ceil((1_001 / 20_000) * leaves.length) + 2);
  });

  it.each([false, true])(
    "a full scan takes few requests and every page once (reverse: %s)",
    async (reverse) => {
      const sample = deep();
      const { rows } = pagesOf(sample, "item");
      const { db, transport } = await openSample(sample);
      let count = 0;
      for await (const { id } of db.table("item").scan({ reverse, columns: ["id"] })) {
        count++;
        if (id !== (reverse ? 20_001 - count : count)) throw new Error(`row ${count} has id ${id}`);
      }
      expect(count).toBe(20_000);
      expect(flat(transport.asked).sort((a, b) => a - b)).toEqual(
        rows.map(({ page }) => page).sort((a, b) => a - b),
      );
      expect(transport.requests.length).toBeLessThanOrEqual(6);
    },
  );

  it("pages that trickle in one by one take no more requests", async () => {
    const { db, transport } = await openSample(deep());
    transport.hold();
    let over = false;
    const trickle = (): void => {
      transport.deliver(1);
      if (!over) setImmediate(trickle);
    };
    trickle();
    let count = 0;
    for await (const _ of db.table("item").scan({ columns: ["id"] })) count++;
    over = true;
    expect(count).toBe(20_000);
    expect(transport.requests.length).toBeLessThanOrEqual(9);
  });

  it("overflow pages in between do not split what is asked for ahead", async () => {
    const sample = sampleDatabase(
      `CREATE TABLE t (id INTEGER PRIMARY KEY, long TEXT);
       WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 900)
       INSERT INTO t SELECT i, printf('%.*c', CASE WHEN i % 300 = 0 THEN 2000 ELSE 200 END, 'x') FROM n`,
      1024,
    );
    const { leaves, depth } = pagesOf(sample, "t");
    const { db, transport } = await openSample(sample);
    let count = 0;
    for await (const _ of db.table("t").scan({ from: 1, to: 900 })) count++;
    expect(count).toBe(900);
    expect(leaves.length).toBeGreaterThan(200);
    // One chain of two pages for each of the three long rows.
    expect(transport.requests.length).toBeLessThanOrEqual(depth + 3 * 2);
  });

  it("counting takes every page of the tree once, in few requests", async () => {
    const sample = deep();
    const { rows } = pagesOf(sample, "item_grp");
    const { db, transport } = await openSample(sample);
    expect(await db.index("item_grp").count()).toBe(20_000);
    expect(flat(transport.asked)).toHaveLength(rows.length);
    expect(transport.requests.length).toBeLessThanOrEqual(6);
  });

  it("a limit is told to those who fetch ahead", async () => {
    const { db, transport } = await openSample(deep());
    const rows: unknown[] = [];
    for await (const row of db.table("item").scan({ from: 9_000, limit: 20 })) rows.push(row);
    expect(rows).toHaveLength(20);
    expect(flat(transport.asked).length).toBeLessThanOrEqual(8);
  });

  it("leaving a scan asks for no more than one window beyond what was read", async () => {
    const { db, transport } = await openSample(deep());
    for await (const { id } of db.table("item").scan()) if (id === 10) break;
    const { length } = transport.requests;
    expect(flat(transport.asked).length).toBeLessThanOrEqual(128 + 12);
    await new Promise((resolve) => setImmediate(resolve));
    expect(transport.requests).toHaveLength(length);
  });

  it("a hundred scattered rows through an index take six requests, and few pages that are not needed", async () => {
    const sample = deep();
    const { db, transport } = await openSample(sample);
    const rows: object[] = [];
    for await (const row of db.index("item_grp").range({ from: 77, to: 77 })) rows.push(row);
    expect(rows).toEqual(
      plain(sample.authority.prepare("SELECT * FROM item WHERE grp = 77 ORDER BY id").all()),
    );
    expect(rows).toHaveLength(100);
    expect(transport.requests.length).toBeLessThanOrEqual(6);
    const asked = flat(transport.asked).length;
    // Each page again, one at a time: only what reading them needs.
    const single = await openSample(sample);
    for (const { id } of rows as { id: number }[]) await single.db.table("item").get(id);
    const needed = flat(single.transport.asked).length;
    expect(asked).toBeLessThanOrEqual(1.3 * needed);
  });

  it("an index that holds every column wanted leaves the table alone", async () => {
    const sample = deep();
    const { db, transport } = await openSample(sample);
    const tablePages = new Set(pagesOf(sample, "item").rows.map(({ page }) => page));
    const ids: unknown[] = [];
    for await (const { id } of db.index("item_grp").range({ from: 77, to: 77, columns: ["id"] }))
      ids.push(id);
    expect(ids).toHaveLength(100);
    expect(flat(transport.asked).filter((page) => tablePages.has(page))).toEqual([]);
  });
});
