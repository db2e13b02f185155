import type { SqlValue } from "@lacuna/page";

/** A row of a table without primary key, as it was when its changeset was taken: generated columns are left out. */
export interface CapturedRow {
  readonly table: string;
  readonly rowid: bigint;
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
      /** The rows of tables without primary key that were updated: the changeset has only what changed of them. */
      readonly rows: readonly CapturedRow[];
    };

/** What a transaction did, in order. */
export interface CapturedTransaction {
  readonly items: readonly CapturedItem[];
}
