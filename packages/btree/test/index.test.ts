import { expect, it } from "vitest";
import * as btree from "../src/index.ts";

it("exports exactly these names", () => {
  expect(Object.keys(btree).sort()).toEqual([
    "BtreePage",
    "CountTask",
    "DATABASE_HEADER_BYTES",
    "IndexWalk",
    "JOURNAL_HEADER_BYTES",
    "TableWalk",
    "TreeWalk",
    "WAL_FRAME_HEADER_BYTES",
    "WAL_HEADER_BYTES",
    "WalIndex",
    "WalWriter",
    "advance",
    "childPages",
    "encodeRecord",
    "forEachEntry",
    "forEachEntrySync",
    "pageKind",
    "parseDatabaseHeader",
    "parseJournalHeader",
    "parsePage",
    "parseWalHeader",
    "patchJournalVersion",
    "placeholderIndexLeaf",
    "placeholderRowids",
    "placeholderTableLeaf",
    "readVarint",
    "runTask",
    "runTaskSync",
    "tableChildren",
    "treeFormat",
    "writeVarint",
  ]);
});
