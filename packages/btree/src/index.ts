export { BtreePage, type PageKind, pageKind, parsePage } from "./btree-page.ts";
export { childPages, type TableChildren, tableChildren } from "./children.ts";
export {
  DATABASE_HEADER_BYTES,
  type DatabaseHeader,
  type JournalVersion,
  parseDatabaseHeader,
  patchJournalVersion,
  type TextEncoding,
} from "./database-header.ts";
export { JOURNAL_HEADER_BYTES, type JournalHeader, parseJournalHeader } from "./rollback-journal.ts";
export { type ByteCursor, type Rowid, readVarint, writeVarint } from "./varint.ts";
export {
  parseWalHeader,
  WAL_FRAME_HEADER_BYTES,
  WAL_HEADER_BYTES,
  type WalChecksum,
  type WalHeader,
  WalWriter,
} from "./wal-format.ts";
export { type WalCommit, WalIndex } from "./wal-index.ts";
