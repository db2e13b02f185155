import { type PageNo, pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import {
  CountTask,
  childPages,
  findByName,
  forEachEntrySync,
  IndexWalk,
  runTaskSync,
  TableWalk,
  type TreeFormat,
  treeFormat,
} from "../src/index.ts";
import { schemaOf } from "./authority.ts";
import { makeDatabase, series } from "./sqlite-file.ts";

const BINARY = { collation: "BINARY", descending: false } as const;
const file = makeDatabase(`
  PRAGMA page_size = 512; CREATE TABLE t(a, b); CREATE INDEX i ON t(a, b);
  INSERT INTO t SELECT value, zeroblob(90) FROM ${series(40)}; INSERT INTO t VALUES (41, zeroblob(3000))`);
const format = treeFormat(file.header, file.pageCount);
const { tables, indexes } = schemaOf(file);
const TABLE = findByName(tables, "t")?.rootPage ?? pageNo(1);
const INDEX = findByName(indexes, "i")?.rootPage ?? pageNo(1);
const leaves = childPages(TABLE, file.peek(TABLE), 512) ?? [];
const last = leaves.at(-1) ?? pageNo(1);

/** The pages of the file with some of them changed. */
function changed(
  changes: Record<number, (bytes: Uint8Array, view: DataView) => void>,
): (page: PageNo) => Uint8Array {
  return (page) => {
    const bytes = file.peek(page).slice();
    changes[page]?.(bytes, new DataView(bytes.buffer));
    return bytes;
  };
}

const corrupt = (page: number, message: string): unknown =>
  expect.objectContaining({ code: "CORRUPT_PAGE", page, message: expect.stringContaining(message) });

const scan = (peek: (page: PageNo) => Uint8Array, reverse = false, at = format): number => {
  let rows = 0;
  forEachEntrySync(
    new TableWalk(at, TABLE, { reverse }),
    peek,
    ({ record }) => (rows += record.values().length),
  );
  return rows;
};
const scanIndex = (peek: (page: PageNo) => Uint8Array): void =>
  forEachEntrySync(new IndexWalk(format, INDEX, [BINARY, BINARY]), peek, ({ record }) => record.values());
const count = (peek: (page: PageNo) => Uint8Array, root = TABLE): number =>
  runTaskSync(new CountTask(format, root), peek);

/** Where the first cell of a page starts. */
const firstCell = (view: DataView, pointers: number): number => view.getUint16(pointers);

describe("a walk over corrupt pages", () => {
  it("starts from a sound database", () => {
    expect(scan(file.peek)).toBe(82);
    expect(count(file.peek)).toBe(41);
    expect(leaves.length).toBeGreaterThan(5);
  });

  it("ends where a page leads back to one above it", () => {
    const peek = changed({ [TABLE]: (_, view) => view.setUint32(firstCell(view, 14), TABLE) });
    expect(() => scan(peek)).toThrow(corrupt(TABLE, `found ${TABLE}, which is in use`));
    expect(() => count(peek)).toThrow(corrupt(TABLE, `found ${TABLE}`));
  });

  it("ends where two pages share a child", () => {
    const shared = leaves[0] ?? 0;
    const peek = changed({ [TABLE]: (_, view) => view.setUint32(8, shared) });
    for (const reverse of [false, true]) {
      expect(() => scan(peek, reverse)).toThrow(corrupt(TABLE, `found ${shared}, which is in use`));
    }
    expect(() => count(peek)).toThrow(corrupt(TABLE, `found ${shared}`));
    const top = childPages(INDEX, file.peek(INDEX), 512) ?? [];
    const twice = changed({ [INDEX]: (_, view) => view.setUint32(8, top[0] ?? 0) });
    expect(() => scanIndex(twice)).toThrow(corrupt(INDEX, "which is in use"));
  });

  it.each([0, 1, 9999, 0xffff_ffff])("ends at a child that is page %i", (child) => {
    const peek = changed({ [TABLE]: (_, view) => view.setUint32(8, child) });
    expect(() => scan(peek)).toThrow(corrupt(TABLE, `found ${child}`));
    expect(() => count(peek)).toThrow(corrupt(TABLE, `found ${child}`));
  });

  it("ends at a page of another kind, without a kind, without cells, or too short", () => {
    const becomes = (flag: number) => changed({ [last]: (bytes) => bytes.fill(flag, 0, 1) });
    expect(() => scan(becomes(10))).toThrow(corrupt(last, "expected a page of a table, found index-leaf"));
    expect(() => count(becomes(10))).toThrow(corrupt(last, "expected a page of a table, found index-leaf"));
    expect(() => scan(becomes(0))).toThrow(corrupt(last, "expected the kind of a B-tree page"));
    expect(() => scan(changed({ [last]: (bytes) => bytes.fill(0, 3, 5) }))).toThrow(
      corrupt(last, "at least one cell"),
    );
    const cut = (page: PageNo): Uint8Array => file.peek(page).subarray(0, page === last ? 100 : 512);
    expect(() => scan(cut)).toThrow(corrupt(last, "at least 512 bytes, found 100"));
    expect(() => scanIndex(changed({ [INDEX]: (bytes) => bytes.fill(13, 0, 1) }))).toThrow(
      corrupt(INDEX, "expected a page of an index"),
    );
  });

  it("ends at a payload that lies about its size, without taking memory for it", () => {
    const lie = (...size: number[]) =>
      changed({ [last]: (bytes, view) => bytes.set(size, firstCell(view, 8)) });
    // The newest row is the first cell in the order of the content, the last one in the order of keys.
    expect(() => scan(lie(0xff, 0xff, 0xff, 0xff, 0x7f))).toThrow(
      expect.objectContaining({ code: "CORRUPT_PAGE" }),
    );
    expect(() => scan(lie(0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff))).toThrow(
      expect.objectContaining({ code: "CORRUPT_PAGE" }),
    );
    expect(() => scan(lie(0))).toThrow(expect.objectContaining({ code: "CORRUPT_PAGE" }));
  });

  it("ends at a cell that runs out of its page", () => {
    const peek = changed({
      [last]: (bytes, view) => {
        view.setUint16(8, 508);
        bytes.set([60, 1, 2, 0], 508);
      },
    });
    expect(() => scan(peek)).toThrow(corrupt(last, "expected a cell that ends inside the page"));
  });

  describe("along an overflow chain", () => {
    const chain: number[] = [];
    forEachEntrySync(
      new TableWalk(format, TABLE, { from: 41 }),
      (page) => {
        chain.push(page);
        return file.peek(page);
      },
      () => {},
    );
    const [first = 0, second = 0] = chain.slice(chain.indexOf(last) + 1);

    it.each([
      ["goes in a circle", (view: DataView) => view.setUint32(0, first), "which is in use"],
      ["leads to itself", (view: DataView) => view.setUint32(0, second), "which is in use"],
      ["ends early", (view: DataView) => view.setUint32(0, 0), "found 0"],
      ["leaves the database", (view: DataView) => view.setUint32(0, 77777), "found 77777"],
    ])("ends where it %s", (_, damage, message) => {
      expect(second).toBeGreaterThan(1);
      expect(() => scan(changed({ [second]: (_bytes, view) => damage(view) }))).toThrow(
        corrupt(second, message),
      );
    });

    it("ends where it runs into a page of the tree", () => {
      const peek = changed({ [second]: (_, view) => view.setUint32(0, leaves[1] ?? 0) });
      expect(() => scan(peek)).toThrow(corrupt(second, "which is in use"));
    });

    it("ends at a page that is too short", () => {
      const peek = (page: PageNo): Uint8Array => file.peek(page).subarray(0, page === second ? 99 : 512);
      expect(() => scan(peek)).toThrow(corrupt(second, "found 99"));
    });

    it("does not believe a payload larger than the database", () => {
      const tiny: TreeFormat = { ...format, pageCount: 3 };
      const walk = new TableWalk(tiny, last, { from: 41 });
      expect(() => forEachEntrySync(walk, file.peek, () => {})).toThrow(corrupt(last, "fits the database"));
    });
  });

  it("ends in a tree that is deeper than any", () => {
    const deep = (page: PageNo): Uint8Array => {
      const bytes = new Uint8Array(512);
      const view = new DataView(bytes.buffer);
      bytes.set([5, 0, 0, 0, 1]);
      view.setUint32(8, page + 1000);
      view.setUint16(12, 500);
      view.setUint32(500, page + 1);
      return bytes;
    };
    const walk = new TableWalk({ ...format, pageCount: 5000 }, pageNo(2));
    expect(() => forEachEntrySync(walk, deep, () => {})).toThrow(corrupt(21, "at most 20 levels"));
  });
});
