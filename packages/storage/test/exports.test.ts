import * as capped from "@lacuna/storage/capped";
import * as indexeddb from "@lacuna/storage/indexeddb";
import * as memory from "@lacuna/storage/memory";
import * as node from "@lacuna/storage/node";
import * as opfs from "@lacuna/storage/opfs";
import { expect, it } from "vitest";

it("exports these names and no others", () => {
  expect(Object.keys(capped)).toEqual(["cappedStore"]);
  expect(Object.keys(memory).sort()).toEqual(["memoryStore"]);
  expect(Object.keys(indexeddb).sort()).toEqual(["indexedDbFileSystem", "openIndexedDbStore"]);
  expect(Object.keys(opfs).sort()).toEqual(["openOpfsStore", "opfsFileSystem"]);
  expect(Object.keys(node).sort()).toEqual(["nodeFileSystem", "openNodeStore"]);
});
