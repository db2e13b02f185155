import { describe, expect, it } from "vitest";
import {
  indexOfPage,
  isPageNo,
  isPageSize,
  MAX_PAGE_NO,
  offsetOfPage,
  pageAtIndex,
  pageIndex,
  pageNo,
  revision,
} from "../src/index.ts";

describe("a page number", () => {
  it.each([1, 2, 32_768, 4_294_967_294])("may be %d", (value) => {
    expect(pageNo(value)).toBe(value);
    expect(isPageNo(value)).toBe(true);
  });

  it.each([0, -1, 1.5, 4_294_967_295, Number.NaN, Number.POSITIVE_INFINITY])(
    "may not be %d, and the error says what was found",
    (value) => {
      expect(() => pageNo(value)).toThrow(RangeError);
      expect(() => pageNo(value)).toThrow(`got ${value}`);
      expect(isPageNo(value)).toBe(false);
    },
  );
});

describe("a page index", () => {
  it("counts from 0, one less than the page number, to the end of the largest database", () => {
    expect(pageIndex(0)).toBe(0);
    expect(indexOfPage(pageNo(1))).toBe(0);
    expect(indexOfPage(MAX_PAGE_NO)).toBe(pageIndex(4_294_967_293));
    expect(pageAtIndex(pageIndex(4))).toBe(5);
  });

  it.each([-1, 0.5, 4_294_967_294, Number.NaN])("may not be %d", (value) => {
    expect(() => pageIndex(value)).toThrow(RangeError);
  });
});

describe("offsetOfPage", () => {
  it("is where the page starts in the file, beyond 4 GiB too", () => {
    expect(offsetOfPage(pageNo(1), 4096)).toBe(0);
    expect(offsetOfPage(pageNo(6), 4096)).toBe(20_480);
    expect(offsetOfPage(MAX_PAGE_NO, 65_536)).toBe(4_294_967_293 * 65_536);
  });
});

describe("a page size", () => {
  it("is a power of two from 512 to 65536", () => {
    const sizes = Array.from({ length: 70_000 }, (_, size) => size).filter(isPageSize);
    expect(sizes).toEqual([512, 1024, 2048, 4096, 8192, 16_384, 32_768, 65_536]);
    expect(isPageSize(131_072)).toBe(false);
    expect(isPageSize(512.5)).toBe(false);
    expect(isPageSize(Number.NaN)).toBe(false);
  });
});

describe("a revision", () => {
  it("is any text but an empty one", () => {
    expect(revision('W/"etag"')).toBe('W/"etag"');
    expect(() => revision("")).toThrow(RangeError);
  });
});
