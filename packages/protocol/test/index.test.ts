import { expect, it } from "vitest";
import * as protocol from "../src/index.ts";

it("exports these names", () => {
  expect(Object.keys(protocol).sort()).toEqual([
    "PullResponseDecoder",
    "decodePageSelector",
    "decodePullRequest",
    "encodeHeader",
    "encodePageMessage",
    "encodePageMessages",
    "encodePageSelector",
    "encodePullRequest",
  ]);
});
