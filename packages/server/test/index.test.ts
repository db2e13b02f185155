import { expect, it } from "vitest";
import * as server from "../src/index.ts";
import * as node from "../src/node/index.ts";

it("exports these names", () => {
  expect(Object.keys(server).sort()).toEqual(["handlerAsFetch", "parseAccessTokens", "syncHandler"]);
  expect(Object.keys(node).sort()).toEqual([
    "SqlProcessPool",
    "openServedFile",
    "openServedSql",
    "serveNode",
  ]);
});
