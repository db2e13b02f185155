import { LacunaError, type SqlCondition } from "@lacuna/page";
import { jsonCount, jsonList, jsonObject, shapeError } from "./json-shape.ts";

export type { SqlCondition } from "@lacuna/page";

/** What is known when a condition is looked at. */
export interface BatchProgress {
  /** What became of a step: `undefined` for one that was skipped or has not come yet. */
  outcome(step: number): "ok" | "error" | undefined;
  /** True outside a transaction, now. */
  isAutocommit(): boolean;
}

/** Conditions inside conditions. Nobody needs more, and a tower of them must not fill the stack. */
const MAX_DEPTH = 64;

/** @throws {LacunaError} `PROTOCOL` */
export function decodeSqlCondition(json: unknown, where: string, stepCount: number, depth = 1): SqlCondition {
  if (depth > MAX_DEPTH) {
    throw new LacunaError("PROTOCOL", `conditions may be nested ${MAX_DEPTH} deep, these are deeper`);
  }
  const { type, step, cond, conds } = jsonObject(json, where);
  switch (type) {
    case "ok":
    case "error":
      return { type, step: jsonCount(step, `${where}.step`, stepCount - 1) };
    case "not":
      return { type, cond: decodeSqlCondition(cond, `${where}.cond`, stepCount, depth + 1) };
    case "and":
    case "or": {
      if (!Array.isArray(conds)) throw shapeError(`${where}.conds`, "an array", conds);
      const members = jsonList(conds, `${where}.conds`, 10_000);
      const read = (member: unknown, i: number): SqlCondition =>
        decodeSqlCondition(member, `${where}.conds[${i}]`, stepCount, depth + 1);
      return { type, conds: members.map(read) };
    }
    case "is_autocommit":
      return { type };
    default:
      throw shapeError(`${where}.type`, "ok, error, not, and, or, or is_autocommit", type);
  }
}

/** Whether a condition holds now. `and` of nothing does, `or` of nothing does not. */
export function conditionHolds(condition: SqlCondition, progress: BatchProgress): boolean {
  switch (condition.type) {
    case "ok":
    case "error":
      return progress.outcome(condition.step) === condition.type;
    case "not":
      return !conditionHolds(condition.cond, progress);
    case "and":
      return condition.conds.every((member) => conditionHolds(member, progress));
    case "or":
      return condition.conds.some((member) => conditionHolds(member, progress));
    case "is_autocommit":
      return progress.isAutocommit();
  }
}

/** Calls `visit` with each step whose outcome the condition asks for. */
export function stepsOfCondition(condition: SqlCondition, visit: (step: number) => void): void {
  if (condition.type === "ok" || condition.type === "error") visit(condition.step);
  else if (condition.type === "not") stepsOfCondition(condition.cond, visit);
  else if (condition.type !== "is_autocommit") {
    for (const member of condition.conds) stepsOfCondition(member, visit);
  }
}
