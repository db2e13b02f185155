import * as prefetch from "@lacuna/prefetch";
import { expect, it } from "vitest";

it("exports these names", () => {
  expect(Object.keys(prefetch).sort()).toEqual([
    "TaskHistory",
    "childrenPredictor",
    "historyPredictor",
    "indexRowsPredictor",
    "overflowPredictor",
    "predictors",
    "scanPredictor",
    "withPrefetch",
  ]);
});
