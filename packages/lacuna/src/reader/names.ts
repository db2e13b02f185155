/** The types of the reader, the same on every runtime. */
export type { Column, DatabaseHeader, Index, IndexField, Schema, Table, Value } from "@lacuna/btree";
export type { LacunaErrorCode } from "@lacuna/page";
export type { PrefetchSnapshot } from "@lacuna/pager";
export type { PageStats } from "../page-stats.ts";
export type { RemoteEncryptionOptions, RemoteOptions } from "../remote-options.ts";
export type { IndexReader, RangeOptions } from "./index-reader.ts";
export type { Bound, Key } from "./key.ts";
export type { Open } from "./open.ts";
export type { OpenOptions } from "./options.ts";
export type { Reader } from "./reader.ts";
export type { Row, RowOptions } from "./row-shape.ts";
export type { GetOptions, ScanOptions, TableReader } from "./table-reader.ts";
