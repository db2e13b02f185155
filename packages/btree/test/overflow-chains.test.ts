import { pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { overflowChains, parsePage } from "../src/index.ts";
import { makeDatabase, series } from "./sqlite-file.ts";

/** What SQLite itself says about the overflow pages of each cell, by the page of the cell. */
const said = new Map<number, { first: number; pages: number }[]>();

const file = makeDatabase((db) => {
  db.exec(`PRAGMA page_size = 1024;
    CREATE TABLE t(id INTEGER PRIMARY KEY, body BLOB);
    CREATE INDEX by_body ON t(body);
    CREATE TABLE w(k TEXT PRIMARY KEY, body BLOB) WITHOUT ROWID;
    INSERT INTO t SELECT value, zeroblob(value % 7 * 800) FROM ${series(60)};
    INSERT INTO w SELECT printf('%04d', value), zeroblob(value % 5 * 900) FROM ${series(60)};`);
  const rows = db.prepare("SELECT name, path, pageno, pagetype FROM dbstat ORDER BY path").all();
  const pageAt = new Map(rows.map((row) => [`${row["name"]}${row["path"]}`, Number(row["pageno"])]));
  for (const row of rows) {
    if (row["pagetype"] !== "overflow") continue;
    const [cell = "", nth] = `${row["name"]}${row["path"]}`.split("+");
    // The path of an overflow page is /PATH/OF/PAGE/CELL+NTH.
    const owner = Number(pageAt.get(cell.slice(0, cell.lastIndexOf("/") + 1)));
    const chains = said.get(owner) ?? [];
    said.set(owner, chains);
    if (nth === "000000") chains.push({ first: Number(row["pageno"]), pages: 1 });
    else (chains.at(-1) as { pages: number }).pages++;
  }
});

describe("the chains of overflow pages that begin on a page", () => {
  it("are those SQLite knows, with their lengths, on every kind of page", () => {
    expect(said.size).toBeGreaterThan(10);
    const kinds = new Set<string>();
    for (const [owner, chains] of said) {
      const view = parsePage(pageNo(owner), file.page(owner), file.header.usableSize);
      kinds.add(view.kind);
      expect(overflowChains(view).map(({ first, pages }) => ({ first, pages }))).toEqual(chains);
    }
    expect([...kinds].sort()).toEqual(["index-interior", "index-leaf", "table-leaf"]);
  });

  it("are none on an interior page of a table, and on a page whose cells fit", () => {
    const small = makeDatabase(`PRAGMA page_size = 512; CREATE TABLE t(a);
      INSERT INTO t SELECT value FROM ${series(500)};`);
    for (let page = 2; page <= small.pageCount; page++) {
      expect(overflowChains(parsePage(pageNo(page), small.page(page), 512))).toEqual([]);
    }
  });
});
