import { LacunaError } from "@lacuna/page";

/** What running the query of a request may cost. */
export interface QueryOptions {
  /**
   * How long it may run, in milliseconds.
   * @default 5000
   */
  readonly timeoutMs?: number | undefined;
  /**
   * How many pages it may touch.
   * @default 16384
   */
  readonly maxPages?: number | undefined;
  /**
   * How many may run at the same time; further ones are answered with 503.
   * @default 4
   */
  readonly atOnce?: number | undefined;
}

export type QueryLimits = { readonly [Name in keyof QueryOptions]-?: NonNullable<QueryOptions[Name]> };

/** @throws {LacunaError} `INVALID_OPTION` for a value that is out of range */
export function resolveQueryLimits(options: QueryOptions): QueryLimits {
  const { timeoutMs = 5000, maxPages = 16_384, atOnce = 4 } = options;
  for (const [name, value] of Object.entries({ timeoutMs, maxPages, atOnce })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new LacunaError("INVALID_OPTION", `queries.${name} must be a whole number from 1 on, got ${value}`);
  }
  return { timeoutMs, maxPages, atOnce };
}
