import * as memory from "@lacuna/storage/memory";
import * as node from "@lacuna/storage/node";
import { expect, it } from "vitest";

it("exports these names and no others", () => {
  expect(Object.keys(memory).sort()).toEqual(["memoryStore"]);
  expect(Object.keys(node).sort()).toEqual(["nodeFileSystem", "openNodeStore"]);
});
