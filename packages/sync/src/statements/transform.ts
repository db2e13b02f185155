import { LacunaError, type SqlValue } from "@lacuna/page";
import type { RowValues } from "@lacuna/protocol";
import { boundValue } from "../changes/bound-value.ts";
import type { RowChange } from "../changes/change.ts";

/** A value as `transform` sees it: an INTEGER as a number where that is exact. */
export type MutationValue = null | bigint | number | string | Uint8Array;

/** A change of a row, as `transform` sees it. */
export interface DatabaseRowMutation {
  /** When it was committed, in seconds since 1970. */
  readonly changeTime: number;
  readonly tableName: string;
  /** The row id, where the table has an INTEGER PRIMARY KEY or none; else 0. */
  readonly id: number;
  readonly changeType: "insert" | "update" | "delete";
  /** The row as it was, as far as it is known: of an update, the key and what changed. */
  readonly before?: Readonly<Record<string, MutationValue>> | undefined;
  /** The row as it became, as far as it is known. */
  readonly after?: Readonly<Record<string, MutationValue>> | undefined;
  /** What an update changed. */
  readonly updates?: Readonly<Record<string, MutationValue>> | undefined;
}

/** A statement in place of a change. */
export interface DatabaseRowStatement {
  readonly sql: string;
  readonly values: readonly (MutationValue | boolean | undefined)[];
}

/** What is to become of a change; nothing at all: it stays as it is. */
export type DatabaseRowTransformResult =
  | { readonly operation: "skip" }
  | { readonly operation: "rewrite"; readonly stmt: DatabaseRowStatement }
  | null
  | undefined;

/**
 * Looks at each change of a row before it is pushed, and before it is repeated over what was pulled. Must say the same
 * each time it is asked about the same change.
 */
export type Transform = (mutation: DatabaseRowMutation) => DatabaseRowTransformResult;

/** What a transform is asked about. */
export function mutationOf(change: RowChange, time: number): DatabaseRowMutation {
  const { table, operation, before, after } = change;
  const named = (values: RowValues): Record<string, MutationValue> =>
    Object.fromEntries(
      table.columns.flatMap((column, at) => {
        const value = values[at];
        return value === undefined ? [] : [[column, shown(value)]];
      }),
    );
  return {
    changeTime: Math.floor(time / 1000),
    tableName: table.name,
    id: rowidOf(change),
    changeType: operation,
    ...(operation === "insert" ? {} : { before: named(before) }),
    ...(operation === "delete"
      ? {}
      : { after: named(operation === "update" ? filled(before, after) : after) }),
    ...(operation === "update" ? { updates: named(after) } : {}),
  };
}

/**
 * What a transform gave, checked.
 * @throws {LacunaError} `INVALID_OPTION` if it is something else
 */
export function checkTransformed(
  result: unknown,
): "keep" | "skip" | { readonly sql: string; readonly args: readonly SqlValue[] } {
  if (result === null || result === undefined) return "keep";
  const { operation, stmt } = result as { operation?: unknown; stmt?: { sql?: unknown; values?: unknown } };
  if (operation === "skip") return "skip";
  if (operation === "rewrite" && typeof stmt?.sql === "string" && Array.isArray(stmt.values)) {
    return { sql: stmt.sql, args: stmt.values.map(boundValue) };
  }
  throw new LacunaError(
    "INVALID_OPTION",
    "unexpected transform operation: nothing, skip or rewrite was expected",
  );
}

const filled = (before: RowValues, after: RowValues): RowValues =>
  before.map((value, at) => (after[at] === undefined ? value : after[at]));

function shown(value: SqlValue): MutationValue {
  if (typeof value !== "bigint") return value;
  const number = Number(value);
  return Number.isSafeInteger(number) ? number : value;
}

function rowidOf({ table, before, after, rowid }: RowChange): number {
  const [at, ...others] = table.key;
  const value =
    rowid ??
    (at === undefined || others.length > 0 ? undefined : after[at] === undefined ? before[at] : after[at]);
  return typeof value === "bigint" ? Number(value) : 0;
}
