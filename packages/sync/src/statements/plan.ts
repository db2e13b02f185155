import type { Change, ChangeId, ChangeTransaction, RowChange } from "../changes/change.ts";
import type { PlannedStatement } from "./planned-statement.ts";
import { rowStatement } from "./row-statement.ts";
import { schemaStatement } from "./schema-statement.ts";
import { checkTransformed, mutationOf, type Transform } from "./transform.ts";

export interface PlanOptions {
  readonly transform?: Transform | undefined;
  /** Whether a change was given up. */
  readonly isDiscarded: (change: Change) => boolean;
}

/** The statements that repeat a transaction, in order. */
export function planTransaction(
  { changes, time }: ChangeTransaction,
  { transform, isDiscarded }: PlanOptions,
): PlannedStatement[] {
  const planned: PlannedStatement[] = [];
  const leftOut = new Set<ChangeId>();
  for (const change of changes) {
    if (isDiscarded(change)) {
      leftOut.add(change.id);
      continue;
    }
    if (change.kind === "schema") {
      planned.push({ ...schemaStatement(change.sql), args: [], change });
      continue;
    }
    if (change.kind === "statement") {
      planned.push({ sql: change.sql, args: change.args, change });
      continue;
    }
    if (!travels(change)) continue;
    const said =
      change.parks !== undefined || transform === undefined
        ? "keep"
        : checkTransformed(transform(mutationOf(change, time)));
    if (said !== "keep") leftOut.add(change.id);
    if (said === "skip") continue;
    const statement = said === "keep" ? rowStatement(change) : said;
    if (statement !== undefined) planned.push({ ...statement, change });
  }
  if (leftOut.size === 0) return planned;
  // A row that keeps its value must not lose it to make room for another one.
  return planned.filter(({ change }) => change.kind !== "row" || !leftOut.has(change.parks ?? ""));
}

/** Whether a change is to be repeated elsewhere, and not made there by a trigger. */
export function travels({ indirect, operation, table }: RowChange): boolean {
  if (!indirect || table.indirect === "send") return true;
  return table.indirect === "send-old" && operation !== "insert";
}
