import type { SqlValue } from "@lacuna/page";
import type { RowOperation, RowValues } from "@lacuna/protocol";
import type { TableFacts } from "./table-facts.ts";

/** Names a change: the number of its transaction, a dot, and its place there from 1, such as `17.3`. */
export type ChangeId = string;

/** A row that was inserted, updated or deleted. */
export interface RowChange {
  readonly kind: "row";
  readonly id: ChangeId;
  /** The table as it was then. Values are in the order of its columns. */
  readonly table: TableFacts;
  readonly operation: RowOperation;
  /** Whether a trigger or a foreign key made it. */
  readonly indirect: boolean;
  /** Only takes a unique value of the row out of the way of another row; this is the change of it that follows. */
  readonly parks: ChangeId | undefined;
  /** Where the row lay locally, of a table without primary key. */
  readonly rowid: bigint | undefined;
  /** The row as it was; of a table with a key, an update knows only the key and what changed. */
  readonly before: RowValues;
  /** The row as it became; an update knows only what changed. */
  readonly after: RowValues;
}

/** A statement that changed the schema. */
export interface SchemaChange {
  readonly kind: "schema";
  readonly id: ChangeId;
  readonly sql: string;
}

/** A statement that wrote otherwise than to rows of a table, such as to a virtual table. */
export interface StatementChange {
  readonly kind: "statement";
  readonly id: ChangeId;
  readonly sql: string;
  readonly args: readonly SqlValue[];
}

export type Change = RowChange | SchemaChange | StatementChange;

/** What one local transaction changed, in an order in which it can be repeated. */
export interface ChangeTransaction {
  /** From 1, each higher than any before it in this replica. */
  readonly number: number;
  /** When it was committed, in milliseconds since 1970, by the local clock. */
  readonly time: number;
  readonly changes: readonly Change[];
}
