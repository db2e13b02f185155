import { LacunaError, type RemoteSqlError, type SqlValue } from "@lacuna/page";
import type { Change, ChangeId } from "./change.ts";

/** A change that is not at the remote yet, for people. */
export interface PendingChange {
  readonly id: ChangeId;
  readonly kind: "insert" | "update" | "delete" | "schema" | "statement";
  /** The table of a row. */
  readonly table: string | undefined;
  /** The row's primary key, by column; of a table without one, its row id here as `rowid`. */
  readonly key: Readonly<Record<string, SqlValue>> | undefined;
  /** The statement, where it is not about a row. */
  readonly sql: string | undefined;
}

/** A change for people. */
export function describeChange(change: Change): PendingChange {
  const { id } = change;
  if (change.kind !== "row")
    return { id, kind: change.kind, table: undefined, key: undefined, sql: change.sql };
  const { table, before, after, rowid, operation } = change;
  const values = operation === "insert" ? after : before;
  const key =
    rowid === undefined
      ? Object.fromEntries(table.key.map((at) => [table.columns[at] ?? "", values[at] ?? null]))
      : { rowid };
  return { id, kind: operation, table: table.name, key, sql: undefined };
}

/** A local change that could not be brought to the remote, or repeated over what the remote has. It is still pending. */
export class ChangeError extends LacunaError {
  /** The change; `undefined` where none in particular is to blame. */
  readonly change: PendingChange | undefined;
  /** SQLite's name of its result code, or a word of the remote's. */
  readonly sqliteCode: string;

  constructor(
    code: "PUSH_REJECTED" | "PULL_CONFLICT",
    facts: { readonly change: Change | undefined; readonly error: RemoteSqlError; readonly cause?: unknown },
  ) {
    const { change, error, cause } = facts;
    const described = change === undefined ? undefined : describeChange(change);
    const what =
      code === "PUSH_REJECTED" ? "the remote refused" : "what was pulled stands in the way of repeating";
    super(code, `${what} ${described === undefined ? "a transaction" : named(described)}: ${error.message}`, {
      cause,
    });
    this.change = described;
    this.sqliteCode = error.code;
  }
}

function named({ id, kind, table, key, sql }: PendingChange): string {
  if (table === undefined) return `change ${id}, ${sql?.slice(0, 200)}`;
  const where = Object.entries(key ?? {}).map(([column, value]) => `${column} = ${shown(value)}`);
  return `change ${id}, ${kind} of ${table} where ${where.join(" and ")}`;
}

function shown(value: SqlValue): string {
  if (typeof value === "string") return JSON.stringify(value.length > 50 ? `${value.slice(0, 50)}…` : value);
  return value instanceof Uint8Array ? `${value.length} bytes` : String(value);
}
