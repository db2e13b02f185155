import { expect, it } from "vitest";
import { compareWithSqlite } from "./fuzz/differential.ts";

const CASES = 120;

it("generated databases are read as SQLite reads them, in every order and range", {
  timeout: 120_000,
}, () => {
  let rows = 0;
  for (let seed = 1; seed <= CASES; seed++) {
    try {
      rows += compareWithSqlite(seed);
    } catch (cause) {
      throw new Error(`seed ${seed}: ${(cause as Error).message}`, { cause });
    }
  }
  expect(rows).toBeGreaterThan(CASES * 40);
});
