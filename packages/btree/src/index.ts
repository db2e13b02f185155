export type { Affinity, Constant } from "./affinity.ts";
export { BtreePage, type PageKind, pageKind, parsePage } from "./btree-page.ts";
export { childPages, type TableChildren, tableChildren } from "./children.ts";
export type { KeyBound, KeyColumn } from "./collation.ts";
export { CountTask } from "./count-task.ts";
export { type ParsedIndex, parseCreateIndex } from "./create-index.ts";
export {
  type Column,
  type IndexedColumn,
  type KeyConstraint,
  type ParsedTable,
  parseCreateTable,
} from "./create-table.ts";
export {
  DATABASE_HEADER_BYTES,
  type DatabaseHeader,
  pageCountOf,
  parseDatabaseHeader,
  type TextEncoding,
} from "./database-header.ts";
export { entryRowids } from "./entry-rowids.ts";
export { IndexWalk, type IndexWalkOptions } from "./index-walk.ts";
export { type ChainStart, overflowChains } from "./overflow-chains.ts";
export type { RecordReader } from "./record.ts";
export { RowReader, type RowReaderOptions, type TableEntry } from "./row-reader.ts";
export {
  findByName,
  type Index,
  type IndexField,
  parseSchema,
  SCHEMA_TABLE,
  type Schema,
  type SchemaRow,
  type Table,
} from "./schema.ts";
export { SchemaTask } from "./schema-task.ts";
export { foldName, SqlSyntaxError, type Token, tokenize } from "./sql-tokens.ts";
export { TableWalk, type TableWalkOptions } from "./table-walk.ts";
export { type TreeFormat, treeFormat } from "./tree-format.ts";
export { TreeWalk, type TreeWalkOptions } from "./tree-walk.ts";
export type { StorageClass, Value } from "./value.ts";
export { type ByteCursor, type Rowid, readVarint } from "./varint.ts";
export {
  advance,
  forEachEntry,
  forEachEntrySync,
  runTask,
  runTaskSync,
  type Step,
  type Task,
  type Walk,
} from "./walk.ts";
