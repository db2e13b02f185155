import type { DatabaseSync } from "node:sqlite";
import { type PageNo, pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import {
  advance,
  CountTask,
  forEachEntry,
  forEachEntrySync,
  IndexWalk,
  type IndexWalkOptions,
  type Rowid,
  runTask,
  runTaskSync,
  TableWalk,
  type TableWalkOptions,
  type TreeFormat,
  treeFormat,
  type Value,
} from "../src/index.ts";
import { encodeRecord } from "../src/write/index.ts";
import { makeDatabase, series } from "./sqlite-file.ts";

const BINARY = { collation: "BINARY", descending: false } as const;
const ROWS = 2000;
const roots = new Map<string, number>();
const SQL = `
  PRAGMA page_size = 512;
  CREATE TABLE t(id INTEGER PRIMARY KEY, word TEXT, big BLOB); CREATE INDEX by_word ON t(word, id);
  INSERT INTO t SELECT value * 5 - 50, 'w' || (value * 7919 % 300), iif(value % 9, x'00', zeroblob(value)) FROM ${series(ROWS)};
  CREATE TABLE long(k TEXT PRIMARY KEY, n INT) WITHOUT ROWID;
  INSERT INTO long SELECT substr(hex(zeroblob(400)), 1, 300 + value % 5) || printf('%04d', value), value FROM ${series(300)};`;
const file = makeDatabase((db) => {
  db.exec(SQL);
  for (const row of db.prepare("SELECT name, rootpage FROM sqlite_schema").all()) {
    roots.set(String(row["name"]), Number(row["rootpage"]));
  }
});
const format = treeFormat(file.header, file.pageCount);
const TABLE = pageNo(roots.get("t") ?? 0);
const INDEX = pageNo(roots.get("by_word") ?? 0);
const LONG = pageNo(roots.get("long") ?? 0);

function rowids(options: TableWalkOptions, peek = file.peek): Rowid[] {
  const found: Rowid[] = [];
  forEachEntrySync(new TableWalk(format, TABLE, options), peek, (row) => found.push(row.rowid));
  return found;
}

function entries(options: IndexWalkOptions): Value[][] {
  const found: Value[][] = [];
  const walk = new IndexWalk(format, INDEX, [BINARY, BINARY, BINARY], options);
  forEachEntrySync(walk, file.peek, (entry) => found.push(entry.record.values()));
  return found;
}

const ids = Array.from({ length: ROWS }, (_, row) => (row + 1) * 5 - 50);
const sorted = ids
  .map((id) => [`w${(((id + 50) / 5) * 7919) % 300}`, id] as const)
  .sort(([a, x], [b, y]) => (a < b ? -1 : a > b ? 1 : x - y));

/** Pages a walk asks for, in order. */
function asked(walk: TableWalk | IndexWalk, each?: () => void): PageNo[] {
  const pages: PageNo[] = [];
  for (let step = walk.step(); step !== false; step = walk.step()) {
    if (step === true) each?.();
    else {
      pages.push(step);
      walk.supply(step, file.peek(step));
    }
  }
  return pages;
}

describe("a walk over a table", () => {
  it("meets every row in order, both ways", () => {
    expect(rowids({})).toEqual(ids);
    expect(rowids({ reverse: true })).toEqual(ids.toReversed());
  });

  it.each([
    [-45, -45],
    [0, 100],
    [1, 4],
    [-1000, -46],
    [9950, 99999],
    [9951, 99999],
    [-(2n ** 63n), 2n ** 63n - 1n],
    [300, 200],
    [3, 6003],
  ])("meets the rows from %s to %s", (from, to) => {
    const expected = ids.filter((id) => id >= from && id <= to);
    expect(rowids({ from, to })).toEqual(expected);
    expect(rowids({ from, to, reverse: true })).toEqual(expected.toReversed());
    expect(rowids({ from }).length + rowids({ to }).length - ROWS).toBe(
      ids.filter((id) => id >= from).length + ids.filter((id) => id <= to).length - ROWS,
    );
  });

  it("asks for one page per level to find a row, present or not", () => {
    for (const id of [-45, 0, 3, 500, 1234, 9950, 10000]) {
      for (const reverse of [false, true]) {
        const walk = new TableWalk(format, TABLE, { from: id, to: id, fields: 2, reverse });
        expect(asked(walk)).toHaveLength(3);
      }
    }
  });

  it("knows the pages it will ask for", () => {
    for (const reverse of [false, true]) {
      const walk = new TableWalk(format, TABLE, { from: 700, to: 2500, fields: 0, reverse });
      let promised: PageNo[] | undefined;
      const pages = asked(walk, () => {
        promised ??= walk.upcoming(1000);
      });
      expect(promised?.length).toBeGreaterThan(3);
      expect(pages.slice(3)).toEqual(expect.arrayContaining(promised ?? []));
      const leaves = (promised ?? []).filter((page) => file.peek(page)[0] === 13);
      expect(pages.slice(3, 3 + leaves.length)).toEqual(leaves);
      expect(walk.upcoming(10)).toEqual([]);
    }
  });

  it("leaves overflow pages alone that hold no wanted field", () => {
    const whole = asked(new TableWalk(format, TABLE)).length;
    const narrow = new TableWalk(format, TABLE, { fields: 2 });
    const words: unknown[] = [];
    const pages = asked(narrow, () => words.push(narrow.record.value(1)));
    expect(words).toEqual(ids.map((id) => `w${(((id + 50) / 5) * 7919) % 300}`));
    expect(whole).toBeGreaterThan(2 * pages.length);
  });

  it("says that a field was not brought", () => {
    const walk = new TableWalk(format, TABLE, { from: 9985 - 50 + 5, fields: 2 });
    expect(() => forEachEntrySync(walk, file.peek, (row) => row.record.values())).toThrow(RangeError);
  });

  it("gives integers as bigint on request", () => {
    const walk = new TableWalk(format, TABLE, { from: 5, to: 5, bigints: true });
    forEachEntrySync(walk, file.peek, (row) => {
      expect(row.record.values()).toEqual([null, expect.any(String), Uint8Array.of(0)]);
      expect(row.record.count).toBe(3);
      expect(row.record.storageClass(2)).toBe("blob");
      expect(row.record.storageClass(3)).toBeUndefined();
      expect(row.record.value(3)).toBeUndefined();
    });
  });
});

describe("a walk over an index", () => {
  it("meets every entry in order, both ways", () => {
    const expected = sorted.map(([word, id]) => [word, id]);
    expect(entries({}).map((entry) => entry.slice(0, 2))).toEqual(expected);
    expect(entries({ reverse: true }).map((entry) => entry.slice(0, 2))).toEqual(expected.toReversed());
  });

  it.each([
    [["w1"], true, ["w1"], true],
    [["w1"], false, ["w2"], false],
    [["w120"], true, ["w14", 800], false],
    [["w120", 300], false, ["w99"], true],
    [["a"], true, ["b"], true],
    [["x"], true, ["z"], true],
    [[7], true, [x()], true],
  ] as [Value[], boolean, Value[], boolean][])(
    "meets the entries from %j (%s) to %j (%s)",
    (from, above, to, below) => {
      const order = (entry: readonly Value[], key: readonly Value[]): number => {
        if (typeof key[0] !== "string") return typeof key[0] === "number" ? 1 : -1;
        for (const [index, value] of key.entries()) {
          const stored = entry[index] as string;
          if (stored !== value) return stored < (value as string) ? -1 : 1;
        }
        return 0;
      };
      const expected = sorted.filter(
        (entry) => order(entry, from) >= (above ? 0 : 1) && order(entry, to) < (below ? 1 : 0),
      );
      const range = { from: { key: from, inclusive: above }, to: { key: to, inclusive: below } };
      expect(entries(range).map((entry) => entry.slice(0, 2))).toEqual(expected);
      expect(entries({ ...range, reverse: true }).map((entry) => entry.slice(0, 2))).toEqual(
        expected.toReversed(),
      );
    },
  );

  it("asks for no page beyond the range", () => {
    const bound = { key: ["w150"] };
    const walk = new IndexWalk(format, INDEX, [BINARY], { from: bound, to: bound });
    expect(asked(walk).length).toBeLessThan(6);
  });

  it("compares keys that lie in overflow pages, reading no more of them than decides", () => {
    const key = (n: number): string => "0".repeat(300 + (n % 5)) + String(n).padStart(4, "0");
    for (const n of [1, 77, 78, 79, 80, 81, 299]) {
      const bound = { key: [key(n)] };
      const found: Value[][] = [];
      const walk = new IndexWalk(format, LONG, [BINARY], { from: bound, to: bound });
      forEachEntrySync(walk, file.peek, (entry) => found.push(entry.record.values()));
      expect(found).toEqual([[key(n), n]]);
    }
    const early = new IndexWalk(format, LONG, [BINARY], { from: { key: ["1"] } });
    expect(asked(early).every((page) => file.peek(page)[0] === 10 || file.peek(page)[0] === 2)).toBe(true);
  });

  it("refuses keys that do not fit the index", () => {
    expect(() => new IndexWalk(format, INDEX, [BINARY], { from: { key: [] } })).toThrow(RangeError);
    expect(() => new IndexWalk(format, INDEX, [BINARY], { to: { key: ["a", 1] } })).toThrow(RangeError);
    expect(() => new IndexWalk(format, INDEX, [BINARY], { to: { key: [Number.NaN] } })).toThrow(RangeError);
  });
});

function x(): Uint8Array {
  return Uint8Array.of(1);
}

describe("the drivers", () => {
  it("count without reading cells", () => {
    expect(runTaskSync(new CountTask(format, TABLE), file.peek)).toBe(ROWS);
    expect(runTaskSync(new CountTask(format, INDEX), file.peek)).toBe(ROWS);
    expect(runTaskSync(new CountTask(format, LONG), file.peek)).toBe(300);
  });

  it("wait only for pages that are not at hand", async () => {
    let reads = 0;
    const source = {
      peek: (page: PageNo) => (page % 3 === 0 ? file.peek(page) : undefined),
      read: (page: PageNo) => {
        reads++;
        return Promise.resolve(file.peek(page));
      },
    };
    expect(await runTask(new CountTask(format, TABLE), source)).toBe(ROWS);
    const counted = reads;
    const found: Rowid[] = [];
    await forEachEntry(new TableWalk(format, TABLE, { fields: 0 }), source, (row) => found.push(row.rowid));
    expect(found).toEqual(ids);
    expect(reads).toBe(2 * counted);
  });

  it("stop when the visitor returns false or the signal is aborted", async () => {
    const found: Rowid[] = [];
    const visit = (row: TableWalk): boolean => found.push(row.rowid) < 3;
    forEachEntrySync(new TableWalk(format, TABLE), file.peek, visit);
    expect(found).toEqual(ids.slice(0, 3));
    const source = { peek: file.peek, read: (page: PageNo) => Promise.resolve(file.peek(page)) };
    found.length = 0;
    await forEachEntry(new TableWalk(format, TABLE), source, visit);
    expect(found).toEqual(ids.slice(0, 3));
    const reason = new Error("enough");
    const signal = AbortSignal.abort(reason);
    await expect(forEachEntry(new TableWalk(format, TABLE), source, () => {}, { signal })).rejects.toBe(
      reason,
    );
  });

  it("say which page is not here", () => {
    const walk = new TableWalk(format, TABLE);
    expect(advance(walk, () => undefined)).toBe(TABLE);
    expect(() => walk.supply(pageNo(9), file.page(9))).toThrow(RangeError);
    expect(() =>
      forEachEntrySync(
        walk,
        () => undefined,
        () => {},
      ),
    ).toThrow(expect.objectContaining({ code: "OFFLINE", page: TABLE }));
  });
});

/** Every value a record can hold, through SQLite and back. */
describe("a record", () => {
  const values: Value[] = [
    null,
    0,
    1,
    -1,
    127,
    -128,
    128,
    32767,
    -32769,
    2 ** 23 - 1,
    -(2 ** 23) - 1,
    2 ** 31 - 1,
  ];
  values.push(
    -(2 ** 31) - 1,
    2 ** 47 - 1,
    -(2 ** 47),
    2 ** 47,
    Number.MAX_SAFE_INTEGER,
    Number.MIN_SAFE_INTEGER,
  );
  values.push(
    2n ** 53n,
    -(2n ** 53n),
    2n ** 63n - 1n,
    -(2n ** 63n),
    0.5,
    -1e300,
    Number.POSITIVE_INFINITY,
    -0.1,
  );
  values.push(
    "",
    "ascii",
    "0123456789abcdef",
    "0123456789abcdefg",
    "grüße",
    "日本語",
    "😀",
    "\ufeffbom",
    "nul\0nul",
  );
  values.push(new Uint8Array(0), Uint8Array.of(0, 255), new Uint8Array(3000).fill(7), "ä".repeat(5000));

  // node:sqlite binds every number as REAL.
  const bound = (value: Value): Value => (Number.isSafeInteger(value) ? BigInt(value as number) : value);

  it.each(["UTF-8", "UTF-16le", "UTF-16be"])("has every value that SQLite stored in %s", (encoding) => {
    const made = makeDatabase((db: DatabaseSync) => {
      db.exec(`PRAGMA encoding = '${encoding}'; CREATE TABLE v(x)`);
      const insert = db.prepare("INSERT INTO v VALUES (?)");
      for (const value of values) insert.run(bound(value));
    });
    const at: TreeFormat = treeFormat(made.header, made.pageCount);
    const read: Value[] = [];
    const singly: unknown[] = [];
    forEachEntrySync(new TableWalk(at, pageNo(2)), made.peek, ({ record }) => {
      read.push(...record.values());
      singly.push(record.value(0));
      expect(record.size).toBe(record.available);
    });
    expect(read).toEqual(values);
    expect(singly).toEqual(values);
  });

  it("is encoded as SQLite encodes it", () => {
    const made = makeDatabase((db: DatabaseSync) => {
      db.exec(`PRAGMA page_size = 65536; CREATE TABLE v(${values.map((_, index) => `c${index}`).join()})`);
      db.prepare(`INSERT INTO v VALUES (${values.map(() => "?").join()})`).run(...values.map(bound));
    });
    const walk = new TableWalk(treeFormat(made.header, made.pageCount), pageNo(2));
    const record = encodeRecord(values);
    forEachEntrySync(walk, made.peek, (row) => {
      expect(row.record.size).toBe(record.length);
      expect(Buffer.from(made.page(2)).includes(Buffer.from(record))).toBe(true);
    });
    expect(() => encodeRecord([2n ** 63n])).toThrow(RangeError);
  });

  it("that lies about itself is corrupt", () => {
    const small = makeDatabase("CREATE TABLE t(a, b); INSERT INTO t VALUES ('abc', 7)");
    const at = treeFormat(small.header, small.pageCount);
    const bytes = small.page(2).slice();
    const start = bytes.length - 7;
    expect([...bytes.subarray(start)]).toEqual([3, 19, 1, 97, 98, 99, 7]);
    for (const damage of [
      [8],
      [0],
      [2],
      [3, 21],
      [3, 17],
      [3, 19, 2],
      [3, 19, 0],
      [3, 129, 255],
      [4],
      [255],
    ]) {
      const damaged = bytes.slice();
      damaged.set(damage, start);
      const walk = new TableWalk(at, pageNo(2));
      const read = (): void =>
        forEachEntrySync(
          walk,
          () => damaged,
          (row) => row.record.values(),
        );
      expect(read, String(damage)).toThrow(expect.objectContaining({ code: "CORRUPT_PAGE", page: 2 }));
      const walkAgain = new TableWalk(at, pageNo(2));
      const count = (): void =>
        forEachEntrySync(
          walkAgain,
          () => damaged,
          (row) => row.record.count,
        );
      expect(count, String(damage)).toThrow(expect.objectContaining({ code: "CORRUPT_PAGE", page: 2 }));
    }
  });
});
