import { describe, expect, it } from "vitest";
import { displayWidth, truncateToWidth } from "../src/format/display-width.ts";

describe("display width", () => {
  it.each([
    ["", 0],
    ["plain", 5],
    ["Grün", 4],
    ["日本語", 6],
    ["한국", 4],
    ["ﾊﾝ", 2],
    ["Ａ", 2],
    ["e\u0301", 1],
    ["👨‍👩‍👧", 2],
    ["❤️", 2],
    ["🇩🇪", 2],
    ["𠀋", 2],
    ["a\u200bb", 2],
    ["→", 1],
  ])("of %j is %i", (text, width) => {
    expect(displayWidth(text)).toBe(width);
  });

  it.each([
    ["abcdef", 6, "abcdef"],
    ["abcdef", 5, "abcd…"],
    ["abcdef", 1, "…"],
    ["abcdef", 0, ""],
    ["日本語", 6, "日本語"],
    ["日本語", 5, "日本…"],
    ["日本語", 4, "日…"],
    ["👨‍👩‍👧👨‍👩‍👧", 3, "👨‍👩‍👧…"],
    ["e\u0301e\u0301", 2, "e\u0301e\u0301"],
  ])("%j cut to %i cells is %j", (text, cells, expected) => {
    expect(truncateToWidth(text, cells)).toBe(expected);
  });
});
