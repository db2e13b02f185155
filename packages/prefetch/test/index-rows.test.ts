import { pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { indexRowsPredictor, type Peek, predictors } from "../src/index.ts";
import { coldReader, makeDatabase, readByIndex, readRow } from "./reading.ts";

/** 20,000 messages of 200 users: those of one user lie on as many pages as there are. */
const made = makeDatabase(`
  CREATE TABLE message(id INTEGER PRIMARY KEY, user INTEGER, body TEXT);
  INSERT INTO message SELECT i, (i * 37) % 200, printf('%0250d', i) FROM n WHERE i <= 20000;
  CREATE INDEX by_user ON message(user, id);
  CREATE INDEX by_body ON message(body);`);
const BY_USER = ["by_user", "message"] as const;
const user = (number: number) => ({ from: [number], to: [number] });

describe("the rows that an index leads to", () => {
  it.each([
    ["forwards", false],
    ["backwards", true],
  ])("come in a few requests, %s", async (_, reverse) => {
    const { source, cost } = await coldReader(made, indexRowsPredictor);
    expect(await readByIndex(source, made, BY_USER, { ...user(7), reverse })).toBe(100);
    const { requests, unread, used } = await cost();
    // Three levels of the index and of the table, two rows, and then those of 4, 8, 16 and so on entries.
    expect(used).toBeGreaterThan(120);
    expect(requests).toBeLessThanOrEqual(25);
    expect(unread).toBeLessThanOrEqual(used / 2);
  });

  it.each([3, 7, 20, 50])("waste at most one window when the reader stops after %i rows", async (limit) => {
    const { source, cost } = await coldReader(made, indexRowsPredictor);
    await readByIndex(source, made, BY_USER, { ...user(7), limit });
    const { unread } = await cost();
    // The window is at most twice what was read, and pages above the rows may lead to them.
    expect(unread).toBeLessThanOrEqual(3 * limit);
  });

  it("are predicted across the leaves of the index", async () => {
    const { source, cost } = await coldReader(made, predictors);
    const range = { from: [7], to: [10] };
    expect(await readByIndex(source, made, BY_USER, range)).toBe(400);
    const { requests, unread } = await cost();
    expect(requests).toBeLessThanOrEqual(35);
    expect(unread).toBeLessThanOrEqual(40);
  });

  it("are not predicted for one row alone", async () => {
    const { source, cost } = await coldReader(made, indexRowsPredictor);
    await readByIndex(source, made, BY_USER, { ...user(7), limit: 1 });
    expect(await cost()).toMatchObject({ unread: 0, used: 0 });
  });

  it("are hardly ever predicted while single keys are looked up", async () => {
    const { source, cost } = await coldReader(made, indexRowsPredictor);
    for (let look = 0; look < 20; look++) {
      const key = (look * 7919) % 20_000;
      const body = String(key + 1).padStart(250, "0");
      await readByIndex(source, made, ["by_body", "message"], { from: [body], to: [body] });
    }
    const { unread } = await cost();
    expect(unread).toBeLessThanOrEqual(2);
  });
});

describe("indexRowsPredictor", () => {
  it("is not misled by a table that is read by row id", async () => {
    const { source, cost } = await coldReader(made, indexRowsPredictor);
    await readByIndex(source, made, BY_USER, { ...user(7), limit: 1 });
    for (let id = 1; id < 20_000; id += 1997) await readRow(source, made, "message", id);
    expect((await cost()).unread).toBe(0);
  });

  it.each([{ usableSize: 100 }, { firstWindow: 0 }, { maxWindow: -1 }])("refuses %j", (options) => {
    const peek: Peek = () => undefined;
    expect(() => indexRowsPredictor({ usableSize: 1024, peek, ...options })).toThrow(
      expect.objectContaining({ code: "INVALID_OPTION" }),
    );
  });

  it("bears an index leaf that is gone when it is looked at", () => {
    const predictor = indexRowsPredictor({ usableSize: 1024, peek: () => undefined });
    const leaf = new Uint8Array(1024);
    leaf[0] = 10;
    predictor.observe({ page: pageNo(9), bytes: leaf, miss: true });
    predictor.observe({ page: pageNo(8), bytes: undefined, miss: true });
    expect(predictor.predict(10)).toEqual([]);
  });
});
