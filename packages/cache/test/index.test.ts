import * as cache from "@lacuna/cache";
import { expect, it } from "vitest";

it("exports these names", () => {
  expect(Object.keys(cache).sort()).toEqual(["SegmentCache"]);
});
