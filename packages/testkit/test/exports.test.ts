import * as testkit from "@lacuna/testkit";
import { expect, it } from "vitest";

it("exports a suite for each contract", () => {
  const suites = Object.keys(testkit).filter((name) => name.startsWith("describe"));
  expect(suites.sort()).toEqual([
    "describePageSource",
    "describePageStore",
    "describePredictor",
    "describePrefetchSource",
    "describeTransport",
  ]);
});
