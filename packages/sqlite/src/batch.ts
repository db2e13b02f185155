import { LacunaError } from "@lacuna/page";
import type { NamedParameters, SqlValue } from "./parameters.ts";
import type { SqlResult } from "./row-reader.ts";
import type { Row } from "./statement.ts";
import type { TransactionMode } from "./transactions.ts";

/** A statement of a batch: its text alone, or with values for its parameters. */
export type BatchStatement =
  | string
  | { readonly sql: string; readonly args?: readonly SqlValue[] | NamedParameters | undefined };

export interface BatchOptions {
  /**
   * Runs all of them in one transaction of this mode: all happen, or none. Inside of a transaction it changes nothing.
   * @default each by itself; those before one that fails have happened
   */
  readonly mode?: TransactionMode | undefined;
  /**
   * Rows as arrays.
   * @default false
   */
  readonly raw?: boolean | undefined;
  /** INTEGER as bigint, or not, whatever is the rule otherwise. */
  readonly safeIntegers?: boolean | undefined;
}

/** What one statement of a batch did and gave. */
export interface BatchResult {
  readonly columns: readonly string[];
  /** The types the columns are declared with; empty for those that are not columns of a table. */
  readonly columnTypes: readonly string[];
  readonly rows: readonly (Row | readonly SqlResult[])[];
  /** Rows inserted, updated or deleted by the statement itself. */
  readonly rowsAffected: number;
  readonly lastInsertRowid: number | bigint;
}

/** @throws {LacunaError} `INVALID_OPTION` */
export function resolveBatch(
  given: TransactionMode | BatchOptions | undefined,
): BatchOptions & { readonly raw: boolean } {
  const {
    mode,
    raw = false,
    safeIntegers,
    ...others
  } = typeof given === "string" ? { mode: given } : (given ?? {});
  const [unknown] = Object.keys(others);
  // A misspelt mode would leave the statements without a transaction.
  if (unknown !== undefined) {
    throw new LacunaError(
      "INVALID_OPTION",
      `a batch has no option ${unknown}; it has mode, raw, safeIntegers`,
    );
  }
  if (mode !== undefined && !["deferred", "immediate", "exclusive"].includes(mode)) {
    throw new LacunaError(
      "INVALID_OPTION",
      `the mode of a batch must be "deferred", "immediate" or "exclusive", got "${mode}"`,
    );
  }
  return { mode, raw, safeIntegers };
}
