import { describe, expect, it } from "vitest";
import { printed } from "./printed.ts";

describe("the examples of the READMEs, without SQL:", () => {
  it("tables and indexes, of lacuna", async () => {
    const lines = await printed(() => import("readme:packages/lacuna/README.md#3"));
    expect(lines[0]?.[0]).toContain("person");
    expect(lines[1]?.[0]).toMatchObject({ id: 7, name: "person 7" });
  });

  it("a scan, of all", async () => {
    const lines = await printed(() => import("readme:README.md#3"));
    expect(lines).toHaveLength(10);
    expect(lines[0]?.[0]).toMatchObject({ id: 1000, name: "person 1000" });
  });

  it("units and sources, of page", async () => {
    expect(await printed(() => import("readme:packages/page/README.md#1"))).toEqual([
      [
        [
          { first: 5, last: 7 },
          { first: 12, last: 12 },
        ],
      ],
      [4],
      ["page 1: there is no remote"],
    ]);
  });

  it("a segment, of cache", async () => {
    const lines = await printed(() => import("readme:packages/cache/README.md#1"));
    expect(lines.map(([urgency]) => urgency)).toEqual(["demand", "prefetch", 4096]);
    expect(lines[2]).toEqual([4096, 2]);
  });

  it("revisions, of pager", async () => {
    expect(await printed(() => import("readme:packages/pager/README.md#1"))).toEqual([
      ["REVISION_CHANGED"],
      ["r1", "r2", 512],
    ]);
  });

  it("a transaction, of pager", async () => {
    expect(await printed(() => import("readme:packages/pager/README.md#2"))).toEqual([[1, 7, 1]]);
  });

  it("messages, of protocol", async () => {
    expect(await printed(() => import("readme:packages/protocol/README.md#1"))).toEqual([
      ["17 bytes"],
      ["revision", "r1"],
      ["page", 2, "with", 4096, "bytes"],
    ]);
  });
});
