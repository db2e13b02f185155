import type { SqlValue } from "@lacuna/page";

/** A table as it was when its rows changed. */
export interface CapturedTable {
  readonly name: string;
  /** The columns that a row can be given, in their order: generated ones are not among them. */
  readonly columns: readonly {
    readonly name: string;
    /** Its place in the primary key, from 1; 0 if it is not part of it. */
    readonly primaryKey: number;
    readonly notNull: boolean;
  }[];
  /** It has no primary key, and its records begin with the row id. */
  readonly keyedByRowid: boolean;
  /** Names of columns that are unique together, the primary key aside. */
  readonly unique: readonly (readonly string[])[];
  /** It has triggers that may have run. */
  readonly hasTriggers: boolean;
  /** Foreign keys may have updated or deleted its rows. */
  readonly hasForeignKeyActions: boolean;
}

/** A row of a table without primary key, as it was when its changeset was taken. */
export interface CapturedRow {
  readonly table: string;
  readonly rowid: bigint;
  /** In the order of the table's columns. */
  readonly values: readonly SqlValue[];
}

/** A part of what a transaction did. */
export type CapturedItem =
  | { readonly kind: "ddl"; readonly sql: string }
  | {
      readonly kind: "statement";
      readonly sql: string;
      /** As they were given to SQLite. */
      readonly parameters: readonly unknown[];
    }
  | {
      readonly kind: "changeset";
      /** What the session extension gives. */
      readonly bytes: Uint8Array;
      readonly tables: readonly CapturedTable[];
      /** The rows of tables without primary key that were updated: the changeset has only what changed of them. */
      readonly rows: readonly CapturedRow[];
    };

/** What a transaction did, in order. */
export interface CapturedTransaction {
  readonly items: readonly CapturedItem[];
}
