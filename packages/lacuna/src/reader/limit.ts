import { invalid } from "../option-check.ts";

/** @returns the limit, infinite where there is none @throws {LacunaError} `INVALID_OPTION` unless it counts rows */
export function checkLimit(limit: number | undefined): number {
  if (limit === undefined) return Number.POSITIVE_INFINITY;
  if (Number.isSafeInteger(limit) && limit >= 0) return limit;
  throw invalid(`limit must be an integer from 0, got ${limit}`);
}
