import { expect, it } from "vitest";
import * as btree from "../src/index.ts";

it("exports exactly these names", () => {
  expect(Object.keys(btree).sort()).toEqual([
    "BtreePage",
    "DATABASE_HEADER_BYTES",
    "JOURNAL_HEADER_BYTES",
    "WAL_FRAME_HEADER_BYTES",
    "WAL_HEADER_BYTES",
    "WalIndex",
    "WalWriter",
    "childPages",
    "pageKind",
    "parseDatabaseHeader",
    "parseJournalHeader",
    "parsePage",
    "parseWalHeader",
    "patchJournalVersion",
    "readVarint",
    "tableChildren",
    "writeVarint",
  ]);
});
