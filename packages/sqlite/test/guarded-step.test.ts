import { expect, it } from "vitest";
import { GUARD_RELEASED, linkGuardedStep } from "../src/guarded-step.ts";
import { SQLITE_BUSY, SQLITE_DONE, SQLITE_ROW } from "../src/result-code.ts";
import type { SqliteExports } from "../src/sqlite-exports.ts";

const [STATEMENT, SAVEPOINT, RELEASE] = [1, 2, 3];

/** Runs the guard over statements that give these results, and says which of them were stepped. */
function run(results: Readonly<Record<number, readonly number[]>>, lacksPage: boolean) {
  const stepped: number[] = [];
  const left = new Map(Object.entries(results).map(([statement, each]) => [Number(statement), [...each]]));
  const sqlite = {
    sqlite3_step: (statement: number) => {
      stepped.push(statement);
      return left.get(statement)?.shift() ?? SQLITE_DONE;
    },
    sqlite3_reset: () => 0,
  };
  const guarded = linkGuardedStep(sqlite as unknown as SqliteExports, () => lacksPage);
  return { result: guarded(STATEMENT, SAVEPOINT, RELEASE), stepped };
}

it("steps the statement to its end between the savepoint and its release", () => {
  const { result, stepped } = run({ [STATEMENT]: [SQLITE_ROW, SQLITE_ROW, SQLITE_DONE] }, false);
  expect(result).toBe(GUARD_RELEASED);
  expect(stepped).toEqual([SAVEPOINT, STATEMENT, STATEMENT, STATEMENT, RELEASE]);
});

it("leaves the savepoint open where the statement did without a page, though it succeeded", () => {
  const { result, stepped } = run({ [STATEMENT]: [SQLITE_DONE] }, true);
  expect(result).toBe(SQLITE_DONE);
  expect(stepped).toEqual([SAVEPOINT, STATEMENT]);
});

it("leaves the savepoint open where the statement failed", () => {
  const { result, stepped } = run({ [STATEMENT]: [SQLITE_BUSY] }, false);
  expect(result).toBe(SQLITE_BUSY);
  expect(stepped).toEqual([SAVEPOINT, STATEMENT]);
});

it("does not begin where there is no savepoint", () => {
  const { result, stepped } = run({ [SAVEPOINT]: [SQLITE_BUSY] }, false);
  expect(result).toBe(-SQLITE_BUSY);
  expect(stepped).toEqual([SAVEPOINT]);
});
