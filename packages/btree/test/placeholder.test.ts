import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { childPages, entryRowids, parsePage, tableChildren } from "../src/index.ts";
import {
  encodeRecord,
  entryValues,
  placeholderIndexLeaf,
  placeholderIndexLeafLike,
  placeholderRowids,
  placeholderTableLeaf,
} from "../src/write/index.ts";
import { inTemporaryDirectory, makeDatabase, series } from "./sqlite-file.ts";

const file = makeDatabase(`
  PRAGMA page_size = 1024;
  CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT, b INT DEFAULT 7); CREATE INDEX i ON t(a);
  INSERT INTO t SELECT value, printf('%040d', value), value FROM ${series(5000)};`);
const page = { pageSize: 1024, usableSize: 1024 };

/** What SQLite answers when some pages are placeholders. */
function query(sql: string, replace: (bytes: Uint8Array) => void): unknown[] {
  return inTemporaryDirectory((directory) => {
    const path = join(directory, "p.db");
    const bytes = file.bytes.slice();
    replace(bytes);
    writeFileSync(path, bytes);
    const db = new DatabaseSync(path);
    try {
      return db.prepare(sql).all();
    } finally {
      db.close();
    }
  });
}

/** The third leaf of the table, with the row ids around it. */
function someLeaf(): { leaf: number; after: number; upTo: number } {
  const top = tableChildren(pageNo(2), file.page(2), 1024);
  const interior = top?.pages[1] ?? pageNo(1);
  const children = tableChildren(interior, file.peek(interior), 1024);
  if (children === undefined) throw new Error("expected a tree three levels deep");
  return { leaf: children.pages[2] ?? 0, after: Number(children.keys[1]), upTo: Number(children.keys[2]) };
}

describe("a placeholder leaf of a table", () => {
  it("lets SQLite count every row when its range is small", () => {
    const { leaf, after, upTo } = someLeaf();
    const replace = (bytes: Uint8Array): void => {
      const rowids = placeholderRowids(page, { after, upTo, rows: 1 });
      bytes.set(placeholderTableLeaf(page, rowids), (leaf - 1) * 1024);
    };
    expect(query("SELECT count(*) n, count(a) a FROM t NOT INDEXED", replace)).toEqual([
      { n: 5000, a: 5000 - (upTo - after) },
    ]);
    expect(query(`SELECT id, a, b FROM t WHERE id = ${upTo}`, replace)).toEqual([
      { id: upTo, a: null, b: 7 },
    ]);
    expect(query("PRAGMA integrity_check(1)", replace)[0]).not.toEqual({ integrity_check: "ok" });
  });

  it("holds the wanted row ids and spreads the others", () => {
    const wanted = [5, -10, 5, 77, 1e7];
    expect(placeholderRowids(page, { after: -10, upTo: 1e6, rows: 4, wanted })).toEqual([
      5, 77, 249992, 499995, 749997, 1000000,
    ]);
    const crowded = placeholderRowids(page, { after: 0, upTo: 1e6, rows: 4, wanted: Array(999).keys() });
    expect(crowded).toEqual(Array.from({ length: 127 }, (_, index) => index + 1));
    const wide = placeholderRowids(page, { after: -(2n ** 63n), upTo: 2n ** 63n - 1n, rows: 2 });
    expect(wide).toEqual([-1, 2n ** 63n - 1n]);
    expect(() => placeholderRowids(page, { after: 3, upTo: 3, rows: 1 })).toThrow(RangeError);
  });

  it("holds all row ids chosen for it, whatever their size", () => {
    for (const upTo of [-5, 100, 16000, 2e6, 2 ** 40, 2n ** 62n]) {
      const rowids = placeholderRowids(page, { after: BigInt(upTo) - 5000n, upTo, rows: 5000 });
      const view = parsePage(pageNo(9), placeholderTableLeaf(page, rowids), 1024);
      expect(view.cellCount).toBe(rowids.length);
      expect(rowids.length).toBeGreaterThan(70);
      expect(rowids.map((_, index) => view.rowid(index))).toEqual(rowids);
    }
  });

  it("holds the record it is given as often as there is room for", () => {
    const bytes = encodeRecord([null, Uint8Array.of(1, 2, 3)]);
    const record = { of: () => bytes, mostBytes: bytes.length };
    const range = { after: 1000, upTo: 100_000, rows: 5000, record };
    const rowids = placeholderRowids(page, range);
    const view = parsePage(pageNo(9), placeholderTableLeaf(page, rowids, record), 1024);
    expect(view.cellCount).toBe(rowids.length);
    // Six bytes of record, three of row id, one of length and two of pointer.
    expect(rowids.length).toBe(Math.floor((1024 - 8) / 12));
    const { leaf, upTo, after } = someLeaf();
    const replace = (bytes: Uint8Array): void => {
      bytes.set(
        placeholderTableLeaf(page, placeholderRowids(page, { ...range, after, upTo }), record),
        (leaf - 1) * 1024,
      );
    };
    expect(query(`SELECT id, hex(a) a FROM t WHERE id = ${upTo}`, replace)).toEqual([
      { id: upTo, a: "010203" },
    ]);
  });

  it("has room for many long records of which only the beginning matters", () => {
    const whole = encodeRecord([null, new Uint8Array(700)]);
    const record = { of: () => whole.subarray(0, 8), mostBytes: 8, restBytes: whole.length - 8 };
    const { leaf, upTo, after } = someLeaf();
    const rowids = placeholderRowids(page, { after, upTo, rows: 1, record });
    expect(rowids).toHaveLength(upTo - after);
    const replace = (bytes: Uint8Array): void => {
      bytes.set(placeholderTableLeaf(page, rowids, record), (leaf - 1) * 1024);
    };
    const long = query(
      "SELECT id FROM t NOT INDEXED WHERE length(a) = 700 AND hex(a) LIKE '00000000%'",
      replace,
    );
    expect(long).toEqual(rowids.map((id) => ({ id })));
    const crowded = placeholderRowids(page, { after: 0, upTo: 1e6, rows: 999, record });
    expect(parsePage(pageNo(9), placeholderTableLeaf(page, crowded, record), 1024).cellCount).toBe(
      crowded.length,
    );
  });

  it("is never empty", () => {
    expect(() => placeholderTableLeaf(page, [])).toThrow("at least one cell");
  });
});

describe("a placeholder leaf of an index", () => {
  it("lets SQLite walk over it to rows that exist", () => {
    const leaf = childPages(pageNo(3), file.page(3), 1024)?.[0] ?? pageNo(1);
    const deeper = childPages(leaf, file.peek(leaf), 1024)?.[0] ?? leaf;
    const replace = (bytes: Uint8Array): void => {
      bytes.set(
        placeholderIndexLeaf(page, [
          [null, 3],
          ["", 4],
        ]),
        (deeper - 1) * 1024,
      );
    };
    expect(query("SELECT a, b FROM t INDEXED BY i WHERE a < '0' OR a IS NULL", replace)).toEqual([
      { a: "", b: 4 },
      { a: null, b: 3 },
    ]);
    expect(query("SELECT id FROM t INDEXED BY i ORDER BY a LIMIT 2", replace)).toEqual([
      { id: 3 },
      { id: 4 },
    ]);
  });

  it("refuses entries that need an overflow page, and to be empty", () => {
    expect(() => placeholderIndexLeaf(page, [["x".repeat(250), 1]])).toThrow("overflow");
    expect(() => placeholderIndexLeaf(page, [])).toThrow("at least one cell");
  });
});

describe("a placeholder leaf like an entry beside it", () => {
  const root = Number(
    query("SELECT rootpage AS page FROM sqlite_schema WHERE name = 'i'", () => {}).map(
      (row) => (row as { page: number }).page,
    )[0],
  );
  const parent = parsePage(pageNo(root), file.peek(pageNo(root)), 1024);

  it("repeats that entry, with the row id that it points to", () => {
    const [rowid] = entryRowids(parent);
    const leaf = parsePage(pageNo(9), placeholderIndexLeafLike(page, parent, 0, 12), 1024);
    expect(leaf).toMatchObject({ isLeaf: true, isTable: false, cellCount: 12 });
    expect(entryRowids(leaf)).toEqual(Array(12).fill(rowid));
  });

  it("is counted and looked up by SQLite as if it were there", () => {
    const child = childPages(pageNo(root), file.peek(pageNo(root)), 1024)?.[1] ?? 0;
    const replace = (bytes: Uint8Array): void => {
      bytes.set(placeholderIndexLeafLike(page, parent, 0, 5), (child - 1) * 1024);
    };
    const [{ n }] = query("SELECT count(*) AS n FROM t INDEXED BY i WHERE a > ''", replace) as [
      { n: number },
    ];
    expect(n).toBeGreaterThan(1000);
    expect(n).toBeLessThan(5000);
  });

  it("has as many entries as fit, and at least one", () => {
    const most = parsePage(pageNo(9), placeholderIndexLeafLike(page, parent, 0, 1e6), 1024).cellCount;
    expect(most).toBeGreaterThan(400);
    expect(parsePage(pageNo(9), placeholderIndexLeafLike(page, parent, 0, 0), 1024).cellCount).toBe(1);
  });
});

describe("the row ids of entries", () => {
  it("are those that SQLite looks up, in their order", () => {
    const rows = query("SELECT id FROM t INDEXED BY i WHERE a > '' ORDER BY a LIMIT 3", () => {});
    const leaves = leftmostLeaf();
    expect(entryRowids(leaves).slice(0, 3)).toEqual(rows.map((row) => (row as { id: number }).id));
  });

  it("are only those of entries that make sense", () => {
    const { bytes, cellCount, page: number, usableSize } = leftmostLeaf();
    const sound = entryRowids(parsePage(number, bytes, usableSize));
    expect(sound).toHaveLength(cellCount);
    for (const headerSize of [0, 1, 60, 127]) {
      const broken = bytes.slice();
      // The size of the header stands behind that of the payload, which takes one byte.
      broken[parsePage(number, broken, usableSize).cellOffset(0) + 1] = headerSize;
      expect(entryRowids(parsePage(number, broken, usableSize))).toEqual(sound.slice(1));
    }
    // The first cells lie at the end of the page: such a header ends beyond it.
    const beyond = bytes.slice();
    beyond.set([0xff, 0xff, 0x7f], parsePage(number, beyond, usableSize).cellOffset(0) + 1);
    expect(entryRowids(parsePage(number, beyond, usableSize))).toEqual(sound.slice(1));
  });
});

describe("the values of an entry", () => {
  it("are those that SQLite put there", () => {
    const leaf = leftmostLeaf();
    const rows = query("SELECT a, id FROM t INDEXED BY i WHERE a > '' ORDER BY a LIMIT 3", () => {});
    expect([0, 1, 2].map((cell) => entryValues(leaf, cell))).toEqual(
      rows.map((row) => Object.values(row as object)),
    );
  });

  it("are unknown where they go on elsewhere", () => {
    const large = makeDatabase(`PRAGMA page_size = 1024; CREATE TABLE t(a PRIMARY KEY, b) WITHOUT ROWID;
      INSERT INTO t VALUES (1, 2), (2, zeroblob(5000))`);
    const leaf = parsePage(pageNo(2), large.page(2), 1024);
    expect([0, 1].map((cell) => entryValues(leaf, cell))).toEqual([[1, 2], undefined]);
  });
});

/** The first leaf of the index. */
function leftmostLeaf() {
  const roots = query("SELECT rootpage AS page FROM sqlite_schema WHERE name = 'i'", () => {}) as {
    page: number;
  }[];
  let at = pageNo(roots[0]?.page ?? 1);
  for (;;) {
    const view = parsePage(at, file.peek(at), 1024);
    if (view.isLeaf) return view;
    at = view.child(0);
  }
}
