import * as page from "@lacuna/page";
import { expect, it } from "vitest";

it("exports these names", () => {
  expect(Object.keys(page).sort()).toEqual([
    "Flight",
    "LOCAL_REVISION",
    "LacunaError",
    "MAX_PAGE_NO",
    "PageMap",
    "PageSet",
    "closedError",
    "countPages",
    "indexOfPage",
    "isLacunaError",
    "isPageNo",
    "isPageSize",
    "isSyncTransport",
    "offsetOfPage",
    "pageAtIndex",
    "pageIndex",
    "pageNo",
    "pagesOf",
    "rangesInOrder",
    "revision",
  ]);
});
