import { expect, it } from "vitest";
import * as btree from "../src/index.ts";
import * as journal from "../src/journal/index.ts";
import * as wal from "../src/wal/index.ts";
import * as write from "../src/write/index.ts";

it("exports exactly these names", () => {
  expect(Object.keys(btree).sort()).toEqual([
    "BtreePage",
    "CountTask",
    "DATABASE_HEADER_BYTES",
    "IndexWalk",
    "RowReader",
    "SCHEMA_TABLE",
    "SchemaTask",
    "SqlSyntaxError",
    "TableWalk",
    "TreeWalk",
    "advance",
    "childPages",
    "entryRowids",
    "findByName",
    "foldName",
    "forEachEntry",
    "forEachEntrySync",
    "overflowChains",
    "pageCountOf",
    "pageKind",
    "parseCreateIndex",
    "parseCreateTable",
    "parseDatabaseHeader",
    "parsePage",
    "parseSchema",
    "readVarint",
    "runTask",
    "runTaskSync",
    "tableChildren",
    "tokenize",
    "treeFormat",
  ]);
});

it("exports exactly these names for writing", () => {
  expect(Object.keys(write).sort()).toEqual([
    "encodeRecord",
    "entryValues",
    "patchJournalVersion",
    "placeholderIndexLeaf",
    "placeholderIndexLeafLike",
    "placeholderRowids",
    "placeholderTableLeaf",
    "writeVarint",
  ]);
});

it("exports exactly these names for write-ahead logs", () => {
  expect(Object.keys(wal).sort()).toEqual([
    "WAL_FRAME_HEADER_BYTES",
    "WAL_HEADER_BYTES",
    "WalIndex",
    "WalWriter",
    "parseWalHeader",
  ]);
});

it("exports exactly these names for rollback journals", () => {
  expect(Object.keys(journal).sort()).toEqual([
    "JOURNAL_HEADER_BYTES",
    "JournalIndex",
    "SUPER_JOURNAL_TAIL_BYTES",
    "namesSuperJournal",
    "parseJournalHeader",
  ]);
});
