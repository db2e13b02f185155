import { expect, it } from "vitest";
import * as server from "../src/index.ts";
import * as node from "../src/node/index.ts";

it("exports these names", () => {
  expect(Object.keys(server).sort()).toEqual([
    "Metrics",
    "handlerAsFetch",
    "hostHandler",
    "isDatabaseName",
    "parseAccessTokens",
    "syncHandler",
    "withOperations",
    "withRequestRecords",
  ]);
  expect(Object.keys(node).sort()).toEqual([
    "SqlProcessPool",
    "openServedDirectory",
    "openServedFile",
    "openServedSql",
    "serveNode",
    "withCompression",
  ]);
});
