import { pageNo } from "@lacuna/page";
import { describe, expect, it } from "vitest";
import {
  decodeManifest,
  decodeStructure,
  encodeManifest,
  encodeSegmentTable,
  encodeStructure,
  MAX_MANIFEST_BYTES,
  openManifest,
  pagesOfSegment,
  type Structure,
  sealManifest,
  segmentOf,
} from "../src/published/index.ts";

const manifest = {
  pageSize: 65_536,
  pageCount: 4_294_967_294,
  structure: { sha256: "0f".repeat(32), storedBytes: 1 << 25, inflatedBytes: 1 << 25 },
};

const structure: Structure = {
  pageSize: 512,
  pageCount: 7,
  segmentPages: 3,
  segmentTable: encodeSegmentTable(
    [1, 0, 3].map((value) => ({ storedBytes: value, sha256: new Uint8Array(32).fill(value) })),
  ),
  pages: new Map([2, 5].map((page) => [pageNo(page), new Uint8Array(512).fill(page)])),
};

describe("the manifest of a published database", () => {
  it("comes back as it was, behind a line with its digest, and is short", () => {
    const body = encodeManifest(manifest);
    const bytes = sealManifest(body, "ab".repeat(32));
    expect(new TextDecoder().decode(bytes)).toMatch(
      /^lacuna-published 1 sha256=(ab){32}\n\{\n {2}"pageSize": 65536/,
    );
    expect(openManifest(bytes)).toEqual({ sha256: "ab".repeat(32), body });
    expect(decodeManifest(body)).toEqual(manifest);
    expect(bytes.length).toBeLessThan(MAX_MANIFEST_BYTES);
  });

  it("is not found in anything else", () => {
    for (const text of [
      "",
      "<!doctype html>",
      "lacuna-published 2 sha256=",
      `lacuna-published 1 sha256=${"g".repeat(64)}\n`,
    ]) {
      expect(openManifest(new TextEncoder().encode(text))).toBeUndefined();
    }
  });
});

describe("the structure file of a published database", () => {
  it("comes back as it was", () => {
    expect(decodeStructure(encodeStructure(structure))).toEqual(structure);
    const empty = { ...structure, pageCount: 0, segmentTable: new Uint8Array(), pages: new Map() };
    expect(decodeStructure(encodeStructure(empty))).toEqual(empty);
  });

  it("tells the segment of each run that has one", () => {
    expect([0, 1, 2, 3].map((run) => segmentOf(run, structure))).toEqual([
      { storedBytes: 1, sha256: new Uint8Array(32).fill(1) },
      undefined,
      { storedBytes: 3, sha256: new Uint8Array(32).fill(3) },
      undefined,
    ]);
  });

  it("leaves the pages it holds out of the segments", () => {
    expect([0, 1, 2, 3].map((run) => pagesOfSegment(run, structure))).toEqual([[1, 3], [4, 6], [7], []]);
  });

  it("ends as PROTOCOL wherever it is cut or a word of it is another", () => {
    const bytes = encodeStructure(structure);
    for (let length = 0; length < bytes.length; length += 7) {
      expect(() => decodeStructure(bytes.subarray(0, length))).toThrow(
        expect.objectContaining({ code: "PROTOCOL" }),
      );
    }
    const tableEnd = 20 + 3 * 36 + 2 * 4;
    let refused = 0;
    for (let at = 0; at < tableEnd; at += 4) {
      const damaged = bytes.slice();
      new DataView(damaged.buffer).setUint32(at, 0xffff_fff0);
      try {
        decodeStructure(damaged);
      } catch (error) {
        expect(error).toMatchObject({ code: "PROTOCOL" });
        refused++;
      }
    }
    // Five words of the head, three lengths and two page numbers; digests may be anything.
    expect(refused).toBe(10);
  });

  it("refuses pages that are named twice, as zero or out of order", () => {
    for (const numbers of [
      [2, 2],
      [0, 2],
      [5, 2],
      [2, 8],
    ]) {
      const bytes = encodeStructure(structure);
      for (const [index, page] of numbers.entries()) {
        new DataView(bytes.buffer).setUint32(20 + 3 * 36 + 4 * index, page);
      }
      expect(() => decodeStructure(bytes)).toThrow(/page/);
    }
  });

  it("is not made longer than it may be read", () => {
    const pages = new Map(Array.from({ length: 513 }, (_, at) => [pageNo(at + 1), new Uint8Array(65_536)]));
    expect(() => encodeStructure({ ...structure, pageSize: 65_536, pageCount: 513, pages })).toThrow(
      RangeError,
    );
  });
});
