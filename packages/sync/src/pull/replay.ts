import { isLacunaError, type SqlValue } from "@lacuna/page";
import type { ChangeRecord, WriteSource } from "@lacuna/pager";
import { ChangeError } from "../changes/change-error.ts";
import { decodeChange } from "../changes/change-record.ts";
import { isMissingTable, markOf, SELECT_MARK } from "../push/mark-table.ts";
import type { Mark } from "../push/sync-state.ts";
import { type PlanOptions, planTransaction } from "../statements/plan.ts";
import type { PlannedStatement } from "../statements/planned-statement.ts";

/** SQL for repeating changes: nothing of what it writes is kept as a change. */
export interface ReplaySql {
  /** Runs a statement to its end. */
  run(sql: string, args: readonly SqlValue[]): Promise<void>;
  /** The first row, as values; INTEGER is a `bigint`. */
  get(sql: string, args: readonly SqlValue[]): Promise<readonly SqlValue[] | undefined>;
  /** Whether a statement can be compiled. */
  compiles(sql: string): Promise<boolean>;
  close(): Promise<void>;
}

/** Opens SQL over pages that nobody else sees. */
export type OpenReplaySql = (source: WriteSource) => Promise<ReplaySql>;

/** The mark that is in the pages, of this client. */
export async function markInPages(sql: ReplaySql, client: string): Promise<Mark | undefined> {
  try {
    const row = await sql.get(SELECT_MARK, [client]);
    return row === undefined ? undefined : markOf(row);
  } catch (error) {
    if (isLacunaError(error, "SQL") && isMissingTable(error.message)) return undefined;
    throw error;
  }
}

/**
 * Repeats changes, all in one transaction.
 * @throws {ChangeError} `PULL_CONFLICT` naming the change that cannot be repeated
 */
export async function replayChanges(
  sql: ReplaySql,
  records: readonly ChangeRecord[],
  options: PlanOptions,
): Promise<void> {
  await sql.run("BEGIN IMMEDIATE", []);
  for (const { id, bytes } of records) {
    for (const statement of planTransaction(decodeChange(bytes, id), options)) await repeat(sql, statement);
  }
  await sql.run("COMMIT", []);
}

async function repeat(sql: ReplaySql, { sql: text, args, only, change }: PlannedStatement): Promise<void> {
  try {
    if (only !== undefined && (await sql.compiles(only.probe)) !== (only.when === "ok")) return;
    await sql.run(text, args);
  } catch (cause) {
    if (!isLacunaError(cause, "SQL")) throw cause;
    const { message } = cause;
    const code = "sqliteCode" in cause ? String(cause.sqliteCode) : "SQLITE_ERROR";
    throw new ChangeError("PULL_CONFLICT", { change, error: { message, code }, cause });
  }
}
