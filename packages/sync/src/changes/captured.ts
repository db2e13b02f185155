import type { SqlValue } from "@lacuna/page";

/** A row as it was when its changeset was taken: generated columns are left out. */
export interface CapturedRow {
  readonly table: string;
  /** `undefined` where the table has a primary key. */
  readonly rowid: bigint | undefined;
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
      /** The SQL of the schema as it was then: of tables, indexes and triggers. */
      readonly schema: readonly string[];
      /**
       * Rows of which the changeset has only what changed: those of tables without primary key that were updated, and
       * those that were put in the place of others.
       */
      readonly rows: readonly CapturedRow[];
    };

/** What a transaction did, in order. */
export interface CapturedTransaction {
  readonly items: readonly CapturedItem[];
}
