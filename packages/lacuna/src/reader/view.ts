import {
  type DatabaseHeader,
  findByName,
  type Index,
  SCHEMA_TABLE,
  type Schema,
  type Table,
  type TreeFormat,
} from "@lacuna/btree";
import { type AbortOptions, LacunaError, type PageNo } from "@lacuna/page";
import type { PrefetchSnapshot } from "@lacuna/pager";
import { invalid } from "../option-check.ts";

/** What is known of a database at one revision. */
export interface Facts {
  readonly revision: string;
  /** Absent for a database of no pages. */
  readonly header: DatabaseHeader | undefined;
  readonly format: TreeFormat;
  readonly schema: Schema;
}

/** A database at one revision, held for one call. Whoever opened it releases its snapshot. */
export interface View extends Facts {
  readonly snapshot: PrefetchSnapshot;
  /** Gives every INTEGER as a `bigint`. */
  readonly bigints: boolean;
}

/** Opens a view of the newest state. */
export type OpenView = (options: AbortOptions) => Promise<View>;

/** A table with a B-tree. */
export type StoredTable = Table & { readonly rootPage: PageNo };
/** An index whose entries are understood. */
export type StoredIndex = Index & { readonly rootPage: PageNo };

/**
 * @throws {LacunaError} `INVALID_OPTION` if there is none of that name; `NOT_SUPPORTED` for a view or a virtual table,
 *   whose rows only SQL can make
 */
export function tableOf({ schema }: Facts, name: string): StoredTable {
  const named = /^sqlite_(schema|master)$/i.test(name) ? SCHEMA_TABLE : findByName(schema.tables, name);
  if (named === undefined) {
    if (findByName(schema.views, name) !== undefined) throw unreadable(`${name} is a view`);
    const known = schema.tables.map((table) => table.name).join(", ");
    throw invalid(`there is no table ${name}; there are ${known || "none"}`);
  }
  if (named.virtual) throw unreadable(`${name} is a virtual table`);
  if (named.rootPage !== undefined) return { ...named, rootPage: named.rootPage };
  throw noRoot(name);
}

/** @throws {LacunaError} `INVALID_OPTION` if there is none of that name; `NOT_SUPPORTED` if its entries are not understood */
export function indexOf({ schema }: Facts, name: string): StoredIndex {
  const index = findByName(schema.indexes, name);
  if (index === undefined) {
    const known = schema.indexes.map((each) => each.name).join(", ");
    throw invalid(`there is no index ${name}; there are ${known || "none"}`);
  }
  if (index.problem !== undefined) {
    throw new LacunaError("NOT_SUPPORTED", `index ${name} cannot be read: ${index.problem}`);
  }
  if (index.rootPage !== undefined) return { ...index, rootPage: index.rootPage };
  throw noRoot(name);
}

const unreadable = (what: string): LacunaError =>
  new LacunaError("NOT_SUPPORTED", `${what}: it has no rows of its own, and this reader runs no SQL`);

const noRoot = (name: string): LacunaError =>
  new LacunaError("CORRUPT_PAGE", `expected a root page of ${name} in the schema, found none`, {
    page: 1 as PageNo,
  });
