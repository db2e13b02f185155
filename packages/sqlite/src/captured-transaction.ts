import type { SqlValue } from "./parameters.ts";
import type { SqlResult } from "./row-reader.ts";

/** A column of a table. */
export interface CapturedColumn {
  readonly name: string;
  /** The type it is declared with; empty without one. */
  readonly type: string;
  /** Its place in the primary key, from 1; 0 if it is not part of it. */
  readonly primaryKey: number;
  readonly notNull: boolean;
}

/** A table as it was when its rows changed. */
export interface CapturedTable {
  readonly name: string;
  /** The columns of its records in a changeset, in their order: all but generated and hidden ones. */
  readonly columns: readonly CapturedColumn[];
  /**
   * It declares no primary key, so its records begin with one value that is in no column: the row id, as their key. It
   * means nothing outside of this database.
   */
  readonly keyedByRowid: boolean;
  readonly withoutRowid: boolean;
  readonly strict: boolean;
  /** The column that is another name of the row id. */
  readonly rowidAlias: string | undefined;
  /** Names of columns that are unique together, the primary key aside. Of an index on an expression, that has an empty name. */
  readonly unique: readonly (readonly string[])[];
  /** It has triggers that may have run. What they did is marked as indirect in the changeset. */
  readonly hasTriggers: boolean;
  /** A foreign key of it has an action, so that its rows may have been updated or deleted along with others. */
  readonly hasForeignKeyActions: boolean;
}

/** A row of a table that is keyed by row id. */
export interface CapturedRow {
  readonly table: string;
  readonly rowid: bigint;
  /** In the order of the table's columns. */
  readonly values: readonly SqlResult[];
}

/**
 * One step of a transaction.
 *
 * - `changeset`: what became of rows since the step before, in the format of SQLite's session extension, net: a row that
 *   changed twice is there once. Records that are marked as indirect are effects of triggers and foreign key actions. Not
 *   there are rows of temporary and virtual tables and of tables whose name begins with `sqlite_`. Of rows that were updated
 *   in tables keyed by row id, `rows` has all columns as they are now, since a changeset has only those that changed.
 * - `ddl`: a statement that changed the schema, as it was written. `CREATE TABLE ... AS SELECT` is written without its
 *   SELECT; its rows are a changeset behind it.
 * - `statement`: a statement that wrote to a virtual table, or through a view by its triggers, or `PRAGMA user_version`
 *   or `application_id`: what it did can only be had again by running it again.
 */
export type CapturedItem =
  | {
      readonly kind: "changeset";
      readonly bytes: Uint8Array;
      readonly tables: readonly CapturedTable[];
      readonly rows: readonly CapturedRow[];
    }
  | { readonly kind: "ddl"; readonly sql: string }
  | { readonly kind: "statement"; readonly sql: string; readonly parameters: readonly SqlValue[] };

/** What a transaction did, in order. Nothing of what was rolled back inside of it. */
export interface CapturedTransaction {
  readonly items: readonly CapturedItem[];
  /** Whether foreign keys were enforced, so that their actions are among the indirect changes. */
  readonly foreignKeys: boolean;
}
