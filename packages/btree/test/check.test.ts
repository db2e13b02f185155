import type { DatabaseSync } from "node:sqlite";
import { type PageNo, pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import * as check from "../src/check/index.ts";
import { type CheckResult, CheckTask, lockBytePage, pointerMapPages } from "../src/check/index.ts";
import { childPages, findByName, runTaskSync } from "../src/index.ts";
import { schemaOf } from "./authority.ts";
import { makeDatabase, type SqliteFile, series, sqliteFile } from "./sqlite-file.ts";

function checked(file: SqliteFile, pageCount = file.pageCount): CheckResult {
  return runTaskSync(new CheckTask(file.header, pageCount), (page) => file.peek(page));
}

/** The file with some bytes of a page replaced. */
function damaged(file: SqliteFile, page: number, offset: number, ...bytes: number[]): SqliteFile {
  const copy = file.bytes.slice();
  copy.set(bytes, (page - 1) * file.header.pageSize + offset);
  return sqliteFile(copy);
}

const messages = (file: SqliteFile): string[] => checked(file).findings.map(({ message }) => message);

const RICH = `
  CREATE TABLE t(id INTEGER PRIMARY KEY, a TEXT NOT NULL, b REAL, c BLOB); CREATE INDEX ta ON t(a COLLATE NOCASE DESC, b);
  CREATE UNIQUE INDEX tb ON t(b); CREATE INDEX tp ON t(a) WHERE b > 10; CREATE INDEX te ON t(abs(b));
  CREATE TABLE w(k TEXT, n INT, v, PRIMARY KEY(k, n DESC)) WITHOUT ROWID; CREATE INDEX wv ON w(v);
  INSERT INTO t SELECT value, 'Row ' || (value % 40), value / 2.0, zeroblob(value * 7 % 3000) FROM ${series(400)};
  INSERT INTO w SELECT 'k' || (value % 20), value, iif(value % 5, value, NULL) FROM ${series(400)};
  CREATE TABLE gone AS SELECT zeroblob(3000) z FROM ${series(30)}; DELETE FROM t WHERE id % 7 = 0; DROP TABLE gone;`;

describe("a walk over the whole database", () => {
  it.each([512, 1024, 4096, 65536])("finds nothing in a sound one with pages of %i bytes", (pageSize) => {
    for (const vacuum of ["NONE", "FULL", "INCREMENTAL"]) {
      const file = makeDatabase(`PRAGMA page_size = ${pageSize}; PRAGMA auto_vacuum = ${vacuum}; ${RICH}`);
      const result = checked(file);
      expect(result.findings).toEqual([]);
      expect(result.truncated).toBe(false);
      for (let page = 1; page <= file.pageCount; page++)
        expect(result.pages.use(pageNo(page))).not.toBe("unknown");
    }
  });

  it("tells what every page is used for, as dbstat does", () => {
    let pages: Record<string, unknown>[] = [];
    const file = makeDatabase((db: DatabaseSync) => {
      db.exec(`PRAGMA page_size = 1024; PRAGMA auto_vacuum = INCREMENTAL; ${RICH}`);
      pages = db.prepare("SELECT * FROM dbstat ORDER BY pageno").all();
    });
    const { pages: map, trees } = checked(file);
    const kinds = { internal: "-interior", leaf: "-leaf", overflow: "overflow" } as const;
    for (const { name, pageno, pagetype } of pages) {
      const page = pageNo(Number(pageno));
      const tree = trees.find(({ root }) => root === map.root(page));
      expect(tree?.name, `page ${page}`).toBe(name);
      expect(map.use(page)).toContain(kinds[pagetype as keyof typeof kinds]);
    }
    const { freelistCount } = file.header;
    const uses = Array.from({ length: file.pageCount }, (_, index) => map.use(pageNo(index + 1)));
    expect(uses.filter((use) => use.startsWith("freelist"))).toHaveLength(freelistCount);
    expect(uses.filter((use) => use === "pointer-map").length).toBeGreaterThan(0);
    for (const {
      name,
      depth,
      leafPages,
      interiorPages,
      overflowPages,
      entries,
      payloadBytes,
      unusedBytes,
    } of trees) {
      const own = pages.filter((row) => row["name"] === name);
      const sum = (column: string): number => own.reduce((total, row) => total + Number(row[column]), 0);
      const count = (type: string): number => own.filter((row) => row["pagetype"] === type).length;
      expect([leafPages, interiorPages, overflowPages], name).toEqual([
        count("leaf"),
        count("internal"),
        count("overflow"),
      ]);
      expect(payloadBytes, name).toBe(sum("payload"));
      const overflowUnused = own.reduce(
        (total, row) => total + (row["pagetype"] === "overflow" ? Number(row["unused"]) : 0),
        0,
      );
      expect(unusedBytes, name).toBe(sum("unused") - overflowUnused);
      const levels = own
        .filter((row) => row["pagetype"] !== "overflow")
        .map((row) => String(row["path"]).split("/").filter(Boolean).length + 1);
      expect(depth, name).toBe(Math.max(...levels));
      if (name === "t") expect(entries).toBe(343);
    }
    const parent = map.parent(
      pageNo(Number(pages.find((row) => row["pagetype"] === "overflow")?.["pageno"])),
    );
    expect(parent).toBeDefined();
  });

  const file = makeDatabase(`PRAGMA page_size = 1024; ${RICH}`);
  const vacuumed = makeDatabase(`PRAGMA page_size = 1024; PRAGMA auto_vacuum = FULL; ${RICH}`);
  const { pages: map } = checked(file);
  const used = (use: string, of = file, pages = map): PageNo => {
    for (let page = 1; page <= of.pageCount; page++) if (pages.use(pageNo(page)) === use) return pageNo(page);
    throw new Error(`expected a page used as ${use}`);
  };
  const root = (name: string): PageNo => {
    const schema = schemaOf(file);
    const found = findByName([...schema.tables, ...schema.indexes], name)?.rootPage;
    if (found === undefined) throw new Error(`expected ${name}`);
    return found;
  };

  it("finds a page that is used twice", () => {
    const trunk = used("freelist-trunk");
    const leaf = used("table-leaf");
    const again = damaged(file, trunk, 8, 0, 0, 0, leaf);
    expect(messages(again)[0]).toMatch(/found page \d+, which is in use as freelist-leaf/);
    expect(messages(damaged(file, root("t"), 8, 0, 0, 0, root("t")))[0]).toMatch(
      /which is in use as table-interior/,
    );
  });

  it("finds a page that nothing leads to, and one outside the database", () => {
    const trunk = used("freelist-trunk");
    const found = messages(damaged(file, trunk, 8, 0, 0, 0x7f, 0xff));
    expect(found[0]).toMatch(/^expected a page for use as freelist-leaf, found 32767 of \d+$/);
    expect(found.at(-1)).toMatch(/found one that is neither/);
  });

  it("finds a freelist of another length, with too many leaves, or that goes in circles", () => {
    const trunk = used("freelist-trunk");
    expect(messages(damaged(file, 1, 39, 200))).toEqual([
      expect.stringMatching(/^expected 200 pages on the freelist/),
    ]);
    expect(messages(damaged(file, trunk, 4, 0, 0, 255, 255))[0]).toBe(
      "expected at most 254 freelist leaves, found 65535",
    );
    expect(messages(damaged(file, trunk, 0, 0, 0, 0, trunk))[0]).toMatch(/in use as freelist-trunk/);
  });

  it("finds what is wrong on a B-tree page", () => {
    let bottom = root("t");
    for (
      let below = childPages(bottom, file.peek(bottom), 1024);
      below;
      below = childPages(bottom, file.peek(bottom), 1024)
    ) {
      bottom = below[0] ?? bottom;
    }
    expect(messages(damaged(file, bottom, 0, 99))[0]).toMatch(/expected the kind of a B-tree page/);
    expect(messages(damaged(file, bottom, 0, 10))[0]).toBe("expected a page of a table, found index-leaf");
    expect(messages(damaged(file, bottom, 7, 59))[0]).toMatch(/fragmented bytes, found 59/);
    expect(messages(damaged(file, bottom, 1, 3, 255))[0]).toMatch(/expected a freeblock/);
    expect(messages(damaged(file, bottom, 5, 0, 1))[0]).toMatch(/expected the cell area to start/);
    const first = file.page(bottom).subarray(8, 10);
    expect(messages(damaged(file, bottom, 10, ...first)).join()).toMatch(/row id greater.*overlap/);
    expect(messages(damaged(file, bottom, 8, 0, 1))[0]).toMatch(
      /expected a pointer into the cell area, found 1/,
    );
  });

  it("finds an overflow chain that is too short or too long", () => {
    const overflow = used("overflow");
    const next = file.page(overflow).subarray(0, 4);
    const longer = next.every((byte) => byte === 0) ? [0, 0, 0, 2] : [0, 0, 0, 0];
    expect(messages(damaged(file, overflow, 0, ...longer))[0]).toMatch(
      /expected the end of an overflow chain|for use as overflow, found 0/,
    );
  });

  /** The file with text or bytes replaced by as many others, wherever they stand. */
  function replaced(source: SqliteFile, from: string, to: string): SqliteFile {
    expect(to).toHaveLength(from.length);
    const text = Buffer.from(source.bytes).toString("latin1");
    expect(text).toContain(from);
    return sqliteFile(new Uint8Array(Buffer.from(text.replaceAll(from, to), "latin1")));
  }

  it("finds rows that do not fit their table", () => {
    const rows = makeDatabase("CREATE TABLE t(a, b         ); INSERT INTO t VALUES (1, 2), (3, NULL)");
    expect(messages(replaced(rows, "b         ", "b NOT NULL"))).toEqual([
      "expected a value in b, found NULL",
    ]);
    const strict = makeDatabase(
      "CREATE TABLE t(a ANY , b) WITHOUT ROWID".replace("b)", "b INT, PRIMARY KEY(b)) STRICT,") +
        "; INSERT INTO t VALUES (1, 2), ('x', 3)",
    );
    expect(messages(strict)).toEqual([]);
    expect(messages(replaced(strict, "a ANY ", "a REAL"))).toEqual(["expected REAL in a, found text"]);
  });

  it("finds an index that does not fit its table", () => {
    const two = makeDatabase(
      "CREATE TABLE t(a, b); INSERT INTO t VALUES (1, 2), (3, 4); CREATE INDEX j ON t(b)",
    );
    expect(messages(replaced(two, "j ON t(b)", "j ON t(a)"))).toEqual([
      "expected entries in j that are those of the table's rows",
    ]);
    const small = makeDatabase(
      "CREATE TABLE t(a); INSERT INTO t VALUES (11), (12), (13); CREATE UNIQUE INDEX i ON t(a)",
    );
    expect(messages(damaged(small, 3, 4, 2)).at(-1)).toMatch(/expected 3 entries in i, found 2|fragmented/);
    const pointers = small.page(3).slice(8, 12);
    const swapped = damaged(small, 3, 8, ...pointers.subarray(2), ...pointers.subarray(0, 2));
    expect(messages(swapped)).toContain("expected an entry after the one before it, found a smaller one");
    const cell = String.fromCharCode(5, 3, 1, 1);
    const twice = replaced(
      replaced(small, `${cell}\x0c`, `${cell}\x0b`),
      "\x02\x02\x01\x0c",
      "\x02\x02\x01\x0b",
    );
    expect(messages(twice)).toEqual(["expected a unique entry, found the same values again"]);
  });

  it("finds a pointer map that is wrong, and another largest root", () => {
    expect(messages(damaged(vacuumed, 2, 0, 7))).toEqual([
      expect.stringMatching(/^expected type \d and parent \d+ for page 3, found 7/),
    ]);
    expect(messages(damaged(vacuumed, 1, 55, 99))).toEqual([
      expect.stringMatching(/as the largest root page, found 99$/),
    ]);
  });

  it("finds a header that promises more pages, and a file that ends early", () => {
    const { findings } = checked(file, file.pageCount - 3);
    expect(findings[0]).toMatchObject({ page: 1, offset: 28 });
    const cut = sqliteFile(file.bytes.slice(0, file.bytes.length / 2));
    expect(checked(cut, file.pageCount).findings.length).toBeGreaterThan(0);
    expect(() => new CheckTask(file.header, 9).supply(pageNo(1), file.page(1))).toThrow(RangeError);
  });

  it("keeps only so many findings", () => {
    const broken = damaged(file, 1, 39, 200);
    const task = new CheckTask(broken.header, broken.pageCount, { maxFindings: 0 });
    expect(runTaskSync(task, broken.peek)).toMatchObject({ findings: [], truncated: true });
  });

  it("has its own entry", () => {
    expect(Object.keys(check).sort()).toEqual(["CheckTask", "lockBytePage", "pointerMapPages"]);
  });
});

describe("pages that are no part of a tree", () => {
  it("lie where the file format puts them", () => {
    expect(lockBytePage(4096)).toBe(262145);
    expect(lockBytePage(65536)).toBe(16385);
    const header = {
      ...makeDatabase("PRAGMA page_size = 65536; PRAGMA auto_vacuum = FULL; CREATE TABLE t(a)").header,
    };
    const groups = [...pointerMapPages(header, 30000)];
    expect(groups.slice(0, 2)).toEqual([
      { page: 2, first: 3, last: 13109 },
      { page: 13110, first: 13111, last: 26217 },
    ]);
    // Entries 4 bytes of page size apart put a pointer map exactly on the lock byte.
    const onLock = { ...header, pageSize: 65536, usableSize: 5 * 16382 };
    expect([...pointerMapPages(onLock, 20000)][1]).toEqual({ page: 16386, first: 16387, last: 32767 });
  });
});
