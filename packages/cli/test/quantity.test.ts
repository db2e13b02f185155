import { describe, expect, it } from "vitest";
import { formatBytes, formatCount, formatPercent, parseBytes } from "../src/format/quantity.ts";

describe("quantities", () => {
  it.each([
    [0, "0 B"],
    [1023, "1023 B"],
    [1024, "1.0 KiB"],
    [131_072, "128.0 KiB"],
    [1_048_575, "1.0 MiB"],
    [3 * 2 ** 40, "3.0 TiB"],
  ])("%i bytes are shown as %s", (bytes, text) => {
    expect(formatBytes(bytes)).toBe(text);
  });

  it("are in the singular only when one", () => {
    expect([0, 1, 2].map((count) => formatCount(count, "request"))).toEqual([
      "0 requests",
      "1 request",
      "2 requests",
    ]);
  });

  it.each([
    [0, 0, "0.0 %"],
    [1, 300, "0.3 %"],
    [9.96, 100, "10 %"],
    [1, 1, "100 %"],
  ])("%d of %d is %s", (part, whole, text) => {
    expect(formatPercent(part, whole)).toBe(text);
  });

  it.each([
    ["4096", 4096],
    ["128k", 131_072],
    ["128 KiB", 131_072],
    ["1m", 1_048_576],
    ["2GB", 2 * 2 ** 30],
    ["", undefined],
    ["-1", undefined],
    ["1.5k", undefined],
    ["k", undefined],
    ["99999999999g", undefined],
  ])("%j is read as %s bytes", (text, bytes) => {
    expect(parseBytes(text)).toBe(bytes);
  });
});
