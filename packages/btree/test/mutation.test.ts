import { expect, it } from "vitest";
import { fuzz, mutate, readEverything, soundFiles } from "./fuzz/mutation.ts";
import { seeded } from "./fuzz/random.ts";

it("five thousand damaged databases end in typed errors, none in a hang", { timeout: 120_000 }, () => {
  const { entries, slowest } = fuzz(5000, 1);
  expect(entries).toBeGreaterThan(300_000);
  expect(slowest).toBeLessThan(1000);
});

it("the sound databases are read whole", () => {
  for (const bytes of soundFiles()) expect(readEverything(bytes)).toBeGreaterThan(300);
});

it("the same seed gives the same case", () => {
  const [file] = soundFiles();
  if (file === undefined) throw new Error("expected a database");
  expect(mutate(file, seeded(7))).toEqual(mutate(file, seeded(7)));
  expect(mutate(file, seeded(7))).not.toEqual(mutate(file, seeded(8)));
});
