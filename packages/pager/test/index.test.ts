import * as pager from "@lacuna/pager";
import { expect, it } from "vitest";

it("exports these names", () => {
  expect(Object.keys(pager).sort()).toEqual(["ReadingPager", "openPager"]);
});
