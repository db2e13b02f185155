import type { SqlValue } from "./parameters.ts";
import type { SqlResult } from "./row-reader.ts";

/** A row as it was when its changeset was taken. Generated columns are left out. */
export interface CapturedRow {
  readonly table: string;
  /** `undefined` where the table has a primary key. */
  readonly rowid: bigint | undefined;
  /** INTEGER is a bigint. */
  readonly values: readonly SqlResult[];
}

/**
 * One step of a transaction.
 *
 * - `changeset`: what became of rows since the step before, in the format of SQLite's session extension, net: a row that
 *   changed twice is there once. Records that are marked as indirect are effects of triggers and foreign key actions. The
 *   records of a table without primary key begin with the row id, which means nothing outside of this database. A row
 *   that has a NULL in its key is there as a delete, an insert, or one after the other, and is known by all its values
 *   alone. Generated columns are left out. Not there are rows of temporary and virtual tables and of those whose name
 *   begins with `sqlite_`.
 * - `ddl`: a statement that changed the schema, as it was written. `CREATE TABLE ... AS SELECT` is written without its
 *   SELECT; its rows are a changeset behind it.
 * - `statement`: a statement that wrote to a virtual table, or through a view by its triggers, or `PRAGMA user_version`
 *   or `application_id`: what it did can only be had again by running it again.
 */
export type CapturedItem =
  | {
      readonly kind: "changeset";
      readonly bytes: Uint8Array;
      /** The SQL of the schema as it was then. */
      readonly schema: readonly string[];
      /**
       * Rows of which the changeset has only what changed: those of tables without primary key that were updated, and
       * those that INSERT put in the place of others, by REPLACE or DO UPDATE.
       */
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
