import type { PageNo } from "@lacuna/page";

/** Something that contradicts the file format or the schema. */
export interface Finding {
  /** The page where it was found: for an index that does not fit its table, the root of the index. */
  readonly page: PageNo;
  /** Byte offset in that page. */
  readonly offset: number;
  /** What was expected and what was found. */
  readonly message: string;
  /** The root of the B-tree concerned, if one is. */
  readonly root: PageNo | undefined;
}

/** What one B-tree takes up. */
export interface TreeStats {
  readonly root: PageNo;
  /** Of the table or index, `sqlite_schema` for page 1. */
  readonly name: string;
  readonly kind: "table" | "index";
  /** Levels: 1 if the root is a leaf. */
  depth: number;
  interiorPages: number;
  leafPages: number;
  overflowPages: number;
  /** Rows of a table, entries of an index. */
  entries: number;
  /** Bytes of all payloads, overflow included. */
  payloadBytes: number;
  /** Bytes on B-tree pages that hold nothing. */
  unusedBytes: number;
}
