import { type ErrorFacts, LacunaError, type LacunaErrorCode } from "@lacuna/page";

/** An HTTP status that is not a success. */
export class HttpStatusError extends LacunaError {
  /** How long the server asks to be left alone, in milliseconds; `undefined` where it does not say. */
  readonly retryAfterMs: number | undefined;

  constructor(
    code: LacunaErrorCode,
    message: string,
    facts: ErrorFacts & { readonly retryAfterMs?: number | undefined },
  ) {
    super(code, message, facts);
    this.retryAfterMs = facts.retryAfterMs;
  }
}

/**
 * The header `Retry-After`, seconds or a date, as milliseconds from now. A date counts from the answer's own `Date`,
 * so that a wrong local clock does not matter.
 */
export function retryAfterMs(headers: Headers): number | undefined {
  const value = headers.get("retry-after")?.trim();
  if (value === undefined || value === "") return undefined;
  if (/^\d+$/.test(value)) return Number(value) * 1000;
  const until = Date.parse(value);
  const now = Date.parse(headers.get("date") ?? "");
  return Number.isNaN(until) || Number.isNaN(now) ? undefined : Math.max(0, until - now);
}
