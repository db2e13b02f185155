import { pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { overflowPredictor, predictors } from "../src/index.ts";
import { coldReader, makeDatabase, readRow, readRows } from "./reading.ts";

/** One blob of 256 KiB, 300 rows of three to five overflow pages, and rows without. */
const made = makeDatabase(`
  CREATE TABLE blob(id INTEGER PRIMARY KEY, body BLOB);
  INSERT INTO blob VALUES (1, randomblob(262144)), (2, 'small');
  CREATE TABLE note(id INTEGER PRIMARY KEY, body BLOB);
  INSERT INTO note SELECT i, randomblob(3000 + i % 3 * 1000) FROM n WHERE i <= 300;
  CREATE TABLE plain(id INTEGER PRIMARY KEY, body TEXT);
  INSERT INTO plain SELECT i, printf('%0200d', i) FROM n WHERE i <= 1000;`);

/** Chains whose pages are all over the file: rows were deleted and others took their pages. */
const torn = makeDatabase(`
  CREATE TABLE other(id INTEGER PRIMARY KEY, body BLOB);
  INSERT INTO other SELECT i, zeroblob(900) FROM n WHERE i <= 900;
  DELETE FROM other WHERE id % 2 = 0;
  CREATE TABLE blob(id INTEGER PRIMARY KEY, body BLOB);
  INSERT INTO blob VALUES (1, randomblob(262144));`);

describe("a long chain of overflow pages", () => {
  it("takes few requests, and not one page too many", async () => {
    const { source, cost } = await coldReader(made, overflowPredictor);
    expect((await readRow(source, made, "blob", 1))[1]).toHaveLength(262_144);
    const { requests, unread, used } = await cost();
    // The leaf, the first page of the chain with 64 more, then 128, then the rest.
    expect(requests).toBeLessThanOrEqual(5);
    expect(used).toBeGreaterThan(240);
    expect(unread).toBe(0);
  });

  it("is not predicted as long as nobody misses a page of it", async () => {
    const { source, cost } = await coldReader(made, overflowPredictor);
    await source.read(made.root("blob"));
    expect(await cost()).toEqual({ requests: 1, unread: 0, used: 0 });
  });

  it("that lies all over the file is read whole, and wastes no more than it is long", async () => {
    const { source, cost, transport } = await coldReader(torn, overflowPredictor);
    expect((await readRow(source, torn, "blob", 1))[1]).toHaveLength(262_144);
    const { unread } = await cost();
    expect(unread).toBeLessThanOrEqual(257 * 1.1);
    expect(transport.requests.length).toBeLessThanOrEqual(150);
  });
});

describe("the chains of one row after the other", () => {
  it("are predicted of more and more rows at once, together with the leaves of the rows", async () => {
    const { source, cost } = await coldReader(made, predictors);
    expect(await readRows(source, made, "note")).toBe(300);
    const { requests, used, unread } = await cost();
    // 300 leaves and 900 overflow pages.
    expect(used).toBeGreaterThan(1000);
    expect(requests).toBeLessThan(60);
    expect(unread).toBeLessThanOrEqual(10);
  });

  it("are not when a reader stops after the first", async () => {
    const { source, cost } = await coldReader(made, overflowPredictor);
    await readRows(source, made, "note", 1);
    expect((await cost()).unread).toBe(0);
  });
});

describe("a database without overflow pages", () => {
  it("has nothing predicted", async () => {
    const { source, cost } = await coldReader(made, overflowPredictor);
    await readRows(source, made, "plain");
    expect(await cost()).toMatchObject({ unread: 0, used: 0 });
  });
});

describe("overflowPredictor", () => {
  it.each([{ usableSize: 100 }, { firstWindow: 0 }, { maxWindow: 1.5 }])("refuses %j", (options) => {
    const rest = { usableSize: 1024, peek: () => undefined };
    expect(() => overflowPredictor({ ...rest, ...options })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  });

  it("bears a cell whose chain leads back to itself", () => {
    // SQLite never makes one: a leaf whose only cell begins a chain of thousands on its own page.
    const leaf = new Uint8Array(1024);
    const view = new DataView(leaf.buffer);
    leaf[0] = 13;
    view.setUint16(3, 1);
    view.setUint16(8, 600);
    leaf.set([0x87, 0xff, 0x7f, 1], 600);
    for (let at = 604; at + 4 <= 1024; at++) view.setUint32(at, 5);
    const predictor = overflowPredictor({ usableSize: 1024, peek: () => leaf });
    predictor.observe({ page: pageNo(5), bytes: leaf, miss: true });
    for (let round = 0; round < 1000; round++) {
      const page = pageNo(5 + (round % 3));
      predictor.observe({ page, bytes: undefined, miss: true });
      predictor.observe({ page, bytes: leaf, miss: true });
      expect(predictor.predict(100).length).toBeLessThanOrEqual(100);
    }
  });
});
