import type { RemoteResult, RemoteSqlError, RemoteStep, SqlCondition } from "@lacuna/page";
import type { Change } from "../changes/change.ts";
import type { PlannedStatement } from "../statements/planned-statement.ts";
import { CREATE_MARKS, expectMark, writeMark } from "./mark-table.ts";
import type { Mark } from "./sync-state.ts";

/** One request of a push: a transaction of the remote, with what each of its steps is about. */
export interface PushSteps {
  readonly steps: readonly RemoteStep[];
  /** What became of it, from the answer. */
  outcome(result: RemoteResult | undefined): PushOutcome;
}

export type PushOutcome =
  | { readonly kind: "taken" }
  /** The client's mark is not what it was expected to be. Nothing was taken. */
  | { readonly kind: "other-mark" }
  /** The remote is busy writing. Nothing was taken. */
  | { readonly kind: "busy"; readonly error: RemoteSqlError }
  /** Nothing was taken. */
  | { readonly kind: "refused"; readonly error: RemoteSqlError; readonly change: Change | undefined }
  /** The answer does not tell. */
  | { readonly kind: "unclear" };

/** Inside of a transaction, now. */
const UNFINISHED: SqlCondition = { type: "not", cond: { type: "is_autocommit" } };

/**
 * The steps that bring changes to the remote and move the client's mark along with them, all or nothing: each is run only if
 * the one before it succeeded, and what is open at the end is rolled back.
 */
export function pushSteps(
  statements: readonly PlannedStatement[],
  marks: { readonly client: string; readonly expected: Mark | undefined; readonly next: Mark },
): PushSteps {
  const steps: RemoteStep[] = [];
  const changes: (Change | undefined)[] = [];
  const probes = new Set<number>();
  let before: SqlCondition | undefined;
  const add = (step: RemoteStep, change?: Change): number => {
    changes.push(change);
    return steps.push(before === undefined ? step : { condition: before, ...step }) - 1;
  };
  const then = (step: RemoteStep, change?: Change): number => {
    const at = add(step, change);
    before = { type: "ok", step: at };
    return at;
  };
  const begin = then({ sql: "BEGIN IMMEDIATE" });
  then({ sql: CREATE_MARKS });
  const guard = then(expectMark(marks.client, marks.expected));
  for (const { sql, args, only, change } of statements) {
    if (only === undefined) {
      then({ sql, args }, change);
      continue;
    }
    const probe = add({ sql: only.probe }, change);
    probes.add(probe);
    const at = add({ sql, args, condition: { type: only.when, step: probe } }, change);
    const needless: SqlCondition = { type: only.when === "ok" ? "error" : "ok", step: probe };
    before = { type: "or", conds: [{ type: "ok", step: at }, needless] };
  }
  then(writeMark(marks.client, marks.next));
  const commit = then({ sql: "COMMIT" });
  steps.push({ sql: "ROLLBACK", condition: UNFINISHED });

  const outcome = (result: RemoteResult | undefined): PushOutcome => {
    if (result?.type === "error") return { kind: "refused", error: result.error, change: undefined };
    if (result?.type !== "batch") return { kind: "unclear" };
    if (result.steps[commit]?.ok !== undefined) return { kind: "taken" };
    const at = result.steps.findIndex((step, i) => step?.error !== undefined && !probes.has(i));
    const error = result.steps[at]?.error;
    if (error === undefined || at > commit) return { kind: "unclear" };
    if (at === begin) return { kind: "busy", error };
    if (at === guard) return { kind: "other-mark" };
    return { kind: "refused", error, change: changes[at] };
  };
  return { steps, outcome };
}
