import { describe, expect, it } from "vitest";
import { canonicalRows, firstDifference, promisesOrder } from "../src/answer.ts";
import { SHARED_DATA_QUERIES } from "../src/shared-data-queries.ts";

describe("comparing answers", () => {
  it("tells values of different types apart", () => {
    const values = [null, 1n, 1, "1", new Uint8Array([1]), new Uint8Array([49]), "", "null", 0, -0];
    const lines = values.map((value) => canonicalRows([[value]], true)[0]);
    expect(new Set(lines).size).toBe(values.length);
  });

  it("compares a bag without order and a sequence with it", () => {
    const rows = [[1n], [2n]];
    const turned = [[2n], [1n]];
    expect(firstDifference(canonicalRows(rows, false), canonicalRows(turned, false))).toBeUndefined();
    expect(firstDifference(canonicalRows(rows, true), canonicalRows(turned, true))).toBe(
      "row 1: expected integer 1, found integer 2",
    );
    expect(firstDifference(canonicalRows(rows, true), [])).toBe("expected 2 rows, found 0");
  });

  it.each([
    ["SELECT a FROM t ORDER BY a", true],
    ["SELECT a FROM t order  by lower(a) LIMIT 3", true],
    ["SELECT a FROM t", false],
    ["SELECT sum(a) OVER (ORDER BY b) FROM t", false],
    ["SELECT a FROM (SELECT a FROM t ORDER BY a) ORDER BY a DESC", true],
  ])("%s promises an order: %j", (sql, promised) => {
    expect(promisesOrder(sql)).toBe(promised);
  });

  it("asks every database at least ten questions, none twice", () => {
    for (const queries of Object.values(SHARED_DATA_QUERIES)) {
      expect(new Set(queries).size).toBe(queries.length);
      expect(queries.length).toBeGreaterThanOrEqual(10);
    }
  });
});
