import { DatabaseSync } from "node:sqlite";
import { type PageNo, pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { PageLedger } from "../src/page/pages/page-ledger.ts";
import { readTreeMap, type TreeMap } from "../src/page/pages/tree-map.ts";
import { treeRows } from "../src/page/pages/tree-table.ts";

const PAGE_SIZE = 1024;
const db = new DatabaseSync(":memory:");
db.exec(`
  PRAGMA page_size = ${PAGE_SIZE};
  CREATE TABLE note(id INTEGER PRIMARY KEY, text);
  CREATE INDEX note_text ON note(text);
  CREATE TABLE gone(x);
  WITH RECURSIVE n(i) AS (VALUES (1) UNION ALL SELECT i + 1 FROM n WHERE i < 400)
  INSERT INTO note SELECT i, 'note ' || i || CASE i % 100 WHEN 0 THEN printf('%.5000c', 'x') ELSE '' END FROM n;
  INSERT INTO gone SELECT printf('%.900c', 'y') FROM note LIMIT 20;
  DROP TABLE gone;
`);
const file = db.serialize();
const pageCount = file.length / PAGE_SIZE;
const bytesOf = (page: PageNo): Uint8Array => file.subarray((page - 1) * PAGE_SIZE, page * PAGE_SIZE);

/** What SQLite says: the tree of every page that belongs to one. */
const authority = new Map(
  db
    .prepare("SELECT pageno, name, pagetype FROM dbstat")
    .all()
    .map(({ pageno, name, pagetype }) => [Number(pageno), { name: String(name), type: String(pagetype) }]),
);

async function learnt(isHere: (page: PageNo) => boolean): Promise<TreeMap> {
  const map = await readTreeMap(pageCount, async (page) => (isHere(page) ? bytesOf(page) : undefined));
  if (map === undefined) throw new Error("expected the schema to be here");
  for (;;) {
    const wanted = map.wanted(isHere);
    if (wanted.length === 0) return map;
    for (const page of wanted) map.supply(page, bytesOf(page));
  }
}

const treeOf = (map: TreeMap, page: number): string | undefined => map.trees[map.treeIndex(page) ?? -1]?.name;

describe("the trees of pages", () => {
  it("are those of SQLite where every page is here, overflow and free pages included", async () => {
    const map = await learnt(() => true);
    const types = new Set<string>();
    for (let page = 1; page <= pageCount; page++) {
      const known = authority.get(page);
      expect(treeOf(map, page)).toBe(known?.name ?? "free and other pages");
      if (known === undefined) expect(map.kind(page)).toBe("free page");
      else if (known.type === "overflow") expect(map.kind(page)).toBe("overflow");
      else expect(map.kind(page).endsWith(known.type === "internal" ? "interior" : "leaf")).toBe(true);
      types.add(map.kind(page));
    }
    expect([...types].sort()).toEqual([
      "free page",
      "index-interior",
      "index-leaf",
      "overflow",
      "table-interior",
      "table-leaf",
    ]);
  });

  it("are known of absent pages whose parent is here", async () => {
    const root = pageNo(2);
    const map = await learnt((page) => page <= root);
    const children = [...authority].filter(
      ([page, { name }]) => name === "note" && treeOf(map, page) === "note",
    );
    expect(children.length).toBeGreaterThan(3);
    expect(children.some(([page]) => page > root && map.kind(page) === "table page")).toBe(true);
    const others = [...authority].filter(([, { name }]) => name === "note_text").map(([page]) => page);
    expect(others.filter((page) => treeOf(map, page) !== undefined)).toHaveLength(1);
  });

  it("are not known before the schema is here", async () => {
    expect(await readTreeMap(pageCount, async () => undefined)).toBeUndefined();
    expect(await readTreeMap(pageCount, async () => new Uint8Array(PAGE_SIZE))).toBeUndefined();
  });

  it("are counted by state for the table", async () => {
    const ledger = new PageLedger(pageCount);
    ledger.apply({ type: "page", page: pageNo(1), cause: "demand", awaited: true });
    ledger.apply({ type: "page", page: pageNo(2), cause: "scan", awaited: false });
    const rows = treeRows(ledger, await learnt(() => true));
    expect(rows.map(({ tree }) => tree?.name)).toEqual([
      "sqlite_schema",
      "note",
      "note_text",
      "free and other pages",
    ]);
    expect(rows[0]).toMatchObject({ pages: 1, here: 1, demanded: 1 });
    expect(rows[1]).toMatchObject({ here: 1, prefetched: 1, wasted: 0 });
    expect(rows.reduce((sum, { pages }) => sum + pages, 0)).toBe(pageCount);
  });
});
