/** A statement that was run, with what it cost. */
export interface PastQuery {
  readonly sql: string;
  readonly rows: number;
  readonly requests: number;
  readonly bytes: number;
  /** Code of the error it ended with. */
  readonly error?: string | undefined;
}

const KEPT = 50;

/** Puts a statement first; the same text before it is left out, and so is what is too old. */
export function withQuery(past: readonly PastQuery[], query: PastQuery): PastQuery[] {
  return [query, ...past.filter(({ sql }) => sql !== query.sql)].slice(0, KEPT);
}

/** What was kept as text; nothing where that is not what was kept. */
export function parseHistory(text: string | undefined): PastQuery[] {
  try {
    const value: unknown = JSON.parse(text ?? "[]");
    return Array.isArray(value) ? value.filter(isPastQuery).slice(0, KEPT) : [];
  } catch {
    return [];
  }
}

function isPastQuery(value: unknown): value is PastQuery {
  if (typeof value !== "object" || value === null) return false;
  const { sql, rows, requests, bytes, error } = value as Record<string, unknown>;
  const numbers = [rows, requests, bytes].every((each) => typeof each === "number");
  return typeof sql === "string" && numbers && (error === undefined || typeof error === "string");
}
