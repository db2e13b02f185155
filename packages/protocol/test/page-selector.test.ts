import { pageIndex } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import { decodePageSelector, encodePageSelector, type PageIndexRange } from "../src/index.ts";
import { hex, randomFrom, toHex } from "./hex.ts";

const range = (first: number, last = first): PageIndexRange => ({
  first: pageIndex(first),
  last: pageIndex(last),
});

const u16 = (value: number): string => toHex(Uint8Array.of(value & 255, value >>> 8));
const u32 = (value: number): string => u16(value & 0xffff) + u16(value >>> 16);

function bitmap(first: number, last: number): string {
  const bytes = new Uint8Array(8192);
  for (let bit = first; bit <= last; bit++) bytes[bit >> 3] = (bytes[bit >> 3] ?? 0) | (1 << (bit & 7));
  return toHex(bytes);
}

const sixteenRuns = [
  "3b300f00 ffff",
  ...Array.from({ length: 16 }, (_, key) => `${u16(key)}ffff`),
  ...Array.from({ length: 16 }, (_, i) => u32(134 + 6 * i)),
  ...Array.from({ length: 16 }, () => "0100 0000 ffff"),
].join("");

/** As existing clients send them. */
const captured: readonly (readonly [string, PageIndexRange[], string])[] = [
  ["nothing", [], "3a300000 00000000"],
  ["the first page", [range(0)], "3a300000 01000000 0000 0000 10000000 0000"],
  ["page index 519", [range(519)], "3a300000 01000000 0000 0000 10000000 0702"],
  ["0 to 31 as a run", [range(0, 31)], "3b300000 01 0000 1f00 0100 0000 1f00"],
  ["10 to 19 as a run", [range(10, 19)], "3b300000 01 0000 0900 0100 0a00 0900"],
  ["0 to 65536 in two containers", [range(0, 65536)], "3b300100 01 0000 ffff 0100 0000 0100 0000 ffff 0000"],
  ["0 to 1048575 in sixteen containers", [range(0, 1_048_575)], sixteenRuns],
];

/** Valid forms that are longer than ours. */
const otherForms: readonly (readonly [string, PageIndexRange[], string])[] = [
  ["5 to 7 as a run no shorter than the array", [range(5, 7)], "3b300000 01 0000 0200 0100 0500 0200"],
  ["516 to 519 as an array", [range(516, 519)], "3a300000 01000000 0000 0300 10000000 0402 0502 0602 0702"],
  [
    "512 to 543 as an array",
    [range(512, 543)],
    `3a300000 01000000 0000 1f00 10000000 ${Array.from({ length: 32 }, (_, i) => u16(512 + i)).join("")}`,
  ],
  [
    "5000 to 9999 as a bitmap",
    [range(5000, 9999)],
    `3a300000 01000000 0000 8713 10000000 ${bitmap(5000, 9999)}`,
  ],
  ["two runs that touch", [range(5, 8)], "3b300000 01 0000 0300 0200 0500 0100 0700 0100"],
];

describe("a page selector", () => {
  it.each(captured)("of %s is read and written byte by byte", (_, ranges, digits) => {
    expect(decodePageSelector(hex(digits))).toEqual(ranges);
    expect(toHex(encodePageSelector(ranges))).toBe(digits.replaceAll(" ", ""));
  });

  it.each(otherForms)("of %s is read", (_, ranges, digits) => {
    expect(decodePageSelector(hex(digits))).toEqual(ranges);
  });

  it("writes 5 to 7 as an array, for a run would not be smaller", () => {
    expect(toHex(encodePageSelector([range(5, 7)]))).toBe("3a300000010000000000020010000000050006000700");
  });

  it("writes many scattered pages as a bitmap and reads them back", () => {
    const ranges = Array.from({ length: 10_000 }, (_, i) => range(3 * i));
    const bytes = encodePageSelector(ranges);
    expect(bytes.length).toBe(16 + 8192);
    expect(decodePageSelector(bytes)).toEqual(ranges);
  });

  it("mixes runs, arrays and bitmaps over more than four containers", () => {
    const ranges = [
      range(1),
      range(70_000, 200_000),
      ...Array.from({ length: 5000 }, (_, i) => range(262_144 + 2 * i)),
      range(400_000),
      range(500_000, 500_001),
    ];
    expect(decodePageSelector(encodePageSelector(ranges))).toEqual(ranges);
  });

  it("keeps every page there can be as one range", () => {
    const all = [range(0, 4_294_967_293)];
    expect(decodePageSelector(encodePageSelector(all))).toEqual(all);
  });

  it("leaves out the two values that are no page index", () => {
    expect(decodePageSelector(hex("3b300000 01 ffff ffff 0100 0000 ffff"))).toEqual([
      range(0xffff_0000, 4_294_967_293),
    ]);
    expect(decodePageSelector(hex("3a300000 01000000 ffff 0100 10000000 feff ffff"))).toEqual([]);
  });

  it("merges ranges that touch", () => {
    expect(encodePageSelector([range(0, 9), range(10, 31)])).toEqual(encodePageSelector([range(0, 31)]));
  });

  it.each([
    ["descending", [range(5), range(4)]],
    ["overlapping", [range(0, 5), range(5, 6)]],
    ["backwards", [{ first: pageIndex(6), last: pageIndex(5) }]],
  ])("refuses to write ranges that are %s", (_, ranges) => {
    expect(() => encodePageSelector(ranges)).toThrow(RangeError);
  });

  it.each([
    ["no bytes at all", ""],
    ["an unknown cookie", "39300000 00000000"],
    ["a cookie with its upper half set", "3a300100 00000000"],
    ["more containers than there are keys", "3a300000 01000100"],
    ["a container count beyond the bytes", "3a300000 00000100 0000"],
    ["a cardinality beyond the bytes", "3a300000 01000000 0000 ff00 10000000 0000"],
    ["a bitmap cut short", "3a300000 01000000 0000 ffff 10000000 ffff"],
    ["a bitmap with another cardinality", `3a300000 01000000 0000 8813 10000000 ${bitmap(5000, 9999)}`],
    ["a run with another cardinality", "3b300000 01 0000 1e00 0100 0000 1f00"],
    ["more runs than bytes", "3b300000 01 0000 1f00 ffff 0000 1f00"],
    ["a run beyond its container", "3b300000 01 0000 1f00 0100 f0ff 1f00"],
    ["runs that overlap", "3b300000 01 0000 0300 0200 0500 0100 0600 0100"],
    ["array values that descend", "3a300000 01000000 0000 0100 10000000 0500 0400"],
    ["container keys that repeat", "3a300000 02000000 0000 0000 0000 0000 18000000 1a000000 0000 0000"],
    ["an offset that points elsewhere", "3a300000 01000000 0000 0000 11000000 0000"],
    ["bytes after the end", "3a300000 01000000 0000 0000 10000000 0000 00"],
  ])("is refused with %s", (_, digits) => {
    expect(() => decodePageSelector(hex(digits))).toThrow(
      expect.objectContaining({ name: "LacunaError", code: "PROTOCOL" }),
    );
  });

  it("is refused when it falls into more ranges than allowed", () => {
    const bytes = encodePageSelector([range(0), range(2), range(4)]);
    expect(decodePageSelector(bytes, { maxRanges: 3 })).toHaveLength(3);
    expect(() => decodePageSelector(bytes, { maxRanges: 2 })).toThrow("at most 2 ranges");
  });

  it("survives a round trip of random sets", () => {
    const random = randomFrom(7);
    for (let round = 0; round < 200; round++) {
      const ranges: PageIndexRange[] = [];
      let next = random() % 100_000;
      for (let i = random() % 400; i > 0; i--) {
        const last = next + (random() % 3 === 0 ? random() % 9000 : 0);
        ranges.push(range(next, last));
        next = last + 2 + (random() % (round % 2 === 0 ? 20 : 60_000));
      }
      expect(decodePageSelector(encodePageSelector(ranges))).toEqual(ranges);
    }
  });
});
