import { expect, it } from "vitest";
import * as protocol from "../src/index.ts";

it("exports these names", () => {
  expect(Object.keys(protocol).sort()).toEqual([
    "PullResponseDecoder",
    "conditionHolds",
    "decodeBase64",
    "decodeCursorRequest",
    "decodePageSelector",
    "decodePipelineAnswer",
    "decodePipelineRequest",
    "decodePullRequest",
    "decodeSqlCondition",
    "decodeSqlValue",
    "encodeBase64",
    "encodeHeader",
    "encodePageMessage",
    "encodePageSelector",
    "encodePipeline",
    "encodePullRequest",
    "encodeSqlValue",
    "framePages",
    "pageMessagesLength",
    "stepsOfCondition",
  ]);
});
