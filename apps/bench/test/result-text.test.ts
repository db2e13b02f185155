import { describe, expect, it } from "vitest";
import { barHolds, barText, numberText, tableText } from "../src/result-text.ts";

describe("results as text", () => {
  it.each([
    [0, "0"],
    [1234567, "1,234,567"],
    [123.456, "123"],
    [12.345, "12.3"],
    [0.0012345, "0.00123"],
    [-250.7, "-251"],
  ])("%d is shown as %s", (value, text) => {
    expect(numberText(value)).toBe(text);
  });

  it("lines up words to the left and numbers to the right", () => {
    const rows = [
      ["open", 1, 0.5],
      ["scan", 1200, 12],
    ];
    expect(tableText({ title: "A link", columns: ["work", "requests", "s"], rows }).split("\n")).toEqual([
      "A link",
      "",
      "work  requests    s",
      "────  ────────  ───",
      "open         1  0.5",
      "scan     1,200   12",
    ]);
  });

  it("says whether a bar is held", () => {
    const bar = { what: "growth", found: 64, atMost: 64, unit: "MiB" };
    expect([barHolds(bar), barText(bar)]).toEqual([true, "held: growth: 64 of at most 64 MiB"]);
    expect(barText({ ...bar, found: 64.1 })).toBe("MISSED: growth: 64.1 of at most 64 MiB");
    expect(barHolds({ ...bar, found: Number.NaN })).toBe(false);
  });
});
