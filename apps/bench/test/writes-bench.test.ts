import { expect, it } from "vitest";
import { barHolds, barText } from "../src/result-text.ts";
import { pullCost } from "../src/writes/sync-costs.ts";
import { writesBench } from "../src/writes-bench.ts";

/** The short run takes some seconds on a machine that has nothing else to do. */
const PATIENCE = 300_000;

it("the short run measures every system and holds its bars", { timeout: PATIENCE }, async () => {
  const said: string[] = [];
  const { tables, bars = [] } = await writesBench.run((line) => said.push(line), { quick: true });
  expect(said.filter((line) => !line.startsWith("@tursodatabase/sync"))).toEqual([]);
  expect(tables[0]?.rows.length).toBe(9 - said.length);
  for (const row of tables[0]?.rows ?? [])
    expect(row.slice(1).every((value) => Number(value) > 0)).toBe(true);
  expect(bars.length).toBe(4);
  expect(bars.filter((bar) => !barHolds(bar)).map(barText)).toEqual([]);
});

it("a pull is for pages of which some are held and changed, and some only one of both", {
  timeout: PATIENCE,
}, async () => {
  const { pages, held, changed, both } = await pullCost(1000);
  expect(pages).toBeGreaterThanOrEqual(1000);
  expect(held / pages).toBeGreaterThan(0.009);
  expect(held / pages).toBeLessThan(0.02);
  expect(changed).toBeGreaterThan(9);
  expect(both).toBeGreaterThan(4);
  expect(both).toBeLessThan(Math.min(held, changed));
});
