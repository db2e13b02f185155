import { describe, expect, it } from "vitest";
import { printed } from "./printed.ts";

describe("the examples of the READMEs, with SQL:", () => {
  it("the first, of all", async () => {
    const lines = await printed(() => import("readme:README.md#1"));
    expect(lines[0]?.[0]).toContainEqual({ name: "person", type: "table" });
    expect(lines[1]?.[0]).toHaveProperty("requests");
  });

  it("writing, of all", async () => {
    expect(await printed(() => import("readme:README.md#2"))).toEqual([]);
  });

  it("the first, of lacuna", async () => {
    const lines = await printed(() => import("readme:packages/lacuna/README.md#1"));
    expect(lines[0]?.[0]).toContainEqual({ name: "person_name", type: "index" });
  });

  it("writing, pushing, pulling, of lacuna", async () => {
    const lines = await printed(() => import("readme:packages/lacuna/README.md#2"));
    expect(lines[0]?.[0]).toContainEqual(
      expect.objectContaining({ body: "written here, at once, also offline" }),
    );
    expect(lines[0]?.[1]).toHaveProperty("local");
  });
});
