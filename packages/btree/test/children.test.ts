import { type PageNo, pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { childPages, pageKind, parsePage, tableChildren } from "../src/index.ts";
import { makeDatabase, type SqliteFile, series } from "./sqlite-file.ts";

const file = makeDatabase(`
  PRAGMA page_size = 512;
  CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT); CREATE INDEX i ON t(a);
  INSERT INTO t SELECT value * 3, printf('%08d', value) FROM ${series(3000)};`);

function leavesBelow(page: PageNo, source: SqliteFile): PageNo[] {
  const children = childPages(page, source.peek(page), source.header.usableSize);
  return children === undefined ? [page] : children.flatMap((child) => leavesBelow(child, source));
}

describe("the children of an interior page", () => {
  it("lead in key order to every row", () => {
    expect(pageKind(pageNo(2), file.page(2))).toBe("table-interior");
    const ids = leavesBelow(pageNo(2), file).flatMap((leaf) => {
      const view = parsePage(leaf, file.peek(leaf), 512);
      expect(view.kind).toBe("table-leaf");
      return Array.from({ length: view.cellCount }, (_, cell) => view.rowid(cell));
    });
    expect(ids).toEqual(Array.from({ length: 3000 }, (_, row) => (row + 1) * 3));
  });

  it("are divided by row ids", () => {
    const children = tableChildren(pageNo(2), file.page(2), 512);
    expect(children?.pages).toEqual(childPages(pageNo(2), file.page(2), 512));
    expect(children?.keys).toHaveLength((children?.pages.length ?? 0) - 1);
    children?.keys.forEach((key, index) => {
      const below = leavesBelow(children.pages[index] as PageNo, file).map((leaf) =>
        parsePage(leaf, file.peek(leaf), 512),
      );
      expect(Math.max(...below.map((view) => Number(view.rowid(view.cellCount - 1))))).toBe(key);
    });
  });

  it("are known of an index, without row ids", () => {
    expect(childPages(pageNo(3), file.page(3), 512)?.length).toBeGreaterThan(1);
    expect(tableChildren(pageNo(3), file.page(3), 512)).toBeUndefined();
  });

  it("are none on a leaf and on a page that only looks like an interior one", () => {
    const leaf = leavesBelow(pageNo(2), file)[0] as PageNo;
    expect(childPages(leaf, file.peek(leaf), 512)).toBeUndefined();
    expect(childPages(pageNo(9), new Uint8Array(512).fill(5), 512)).toBeUndefined();
    expect(childPages(pageNo(9), new Uint8Array(512).fill(5, 0, 1), 512)).toBeUndefined();
    expect(childPages(pageNo(9), new Uint8Array(0), 512)).toBeUndefined();
    const outside = file.page(2).slice();
    outside.fill(0xff, 12, 14);
    expect(childPages(pageNo(2), outside, 512)).toBeUndefined();
    expect(tableChildren(pageNo(2), outside, 512)).toBeUndefined();
  });

  it("start after the database header on page 1", () => {
    const many = makeDatabase((db) => {
      db.exec("PRAGMA page_size = 512");
      for (let table = 0; table < 40; table++) db.exec(`CREATE TABLE t${table}(a, b, c)`);
    });
    const children = childPages(pageNo(1), many.page(1), 512);
    expect(children?.length).toBeGreaterThan(1);
    expect(parsePage(pageNo(1), many.page(1), 512).start).toBe(100);
  });
});

describe("a page view", () => {
  it("refuses bytes that are no B-tree page", () => {
    expect(() => parsePage(pageNo(7), new Uint8Array(512), 512)).toThrow("page 7: expected the kind");
    const cells = new Uint8Array(512);
    cells.set([13, 0, 0, 255, 255]);
    expect(() => parsePage(pageNo(7), cells, 512)).toThrow("found 65535 cells at offset 3");
    expect(() => parsePage(pageNo(7), cells.subarray(0, 511), 512)).toThrow("found 511");
  });

  it("refuses a cell pointer outside the cell area", () => {
    const bytes = new Uint8Array(512);
    bytes.set([13, 0, 0, 0, 2, 0, 0, 0, 0, 8, 2, 0]);
    const view = parsePage(pageNo(7), bytes, 512);
    expect(() => view.rowid(0)).toThrow("page 7: expected a pointer into the cell area, found 8 at offset 8");
    expect(() => view.cellOffset(1)).toThrow("found 512 at offset 10");
  });
});
