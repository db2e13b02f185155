import { expect, it } from "vitest";
import * as protocol from "../src/index.ts";
import * as published from "../src/published/index.ts";

it("exports these names", () => {
  expect(Object.keys(protocol).sort()).toEqual([
    "ByteReader",
    "PullResponseDecoder",
    "RawText",
    "changesetTables",
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
    "readChangeset",
    "readRowValues",
    "stepsOfCondition",
  ]);
});

it("exports these names for published directories", () => {
  expect(Object.keys(published).sort()).toEqual([
    "MANIFEST_NAME",
    "MAX_MANIFEST_BYTES",
    "MAX_SEGMENT_BYTES",
    "MAX_STRUCTURE_BYTES",
    "decodeManifest",
    "decodeStructure",
    "decodeStructureFile",
    "encodeManifest",
    "encodeSegmentTable",
    "encodeStructure",
    "hexDigest",
    "openManifest",
    "pagesOfSegment",
    "sealManifest",
    "segmentName",
    "segmentOf",
    "structureName",
  ]);
});
