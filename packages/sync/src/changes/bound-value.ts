import { LacunaError, type SqlValue } from "@lacuna/page";

/**
 * What SQLite makes of a value that is bound: a number that is a safe integer is an INTEGER (except -0), NaN is NULL, a
 * boolean 1 or 0, `undefined` NULL.
 * @throws {LacunaError} `INVALID_OPTION` for what is no SQL value
 */
export function boundValue(value: unknown): SqlValue {
  switch (typeof value) {
    case "undefined":
      return null;
    case "boolean":
      return value ? 1n : 0n;
    case "number":
      if (Number.isNaN(value)) return null;
      return Number.isSafeInteger(value) && !Object.is(value, -0) ? BigInt(value) : value;
    case "bigint":
    case "string":
      return value;
  }
  if (value === null || value instanceof Uint8Array) return value;
  if (value instanceof ArrayBuffer) return new Uint8Array(value);
  throw new LacunaError("INVALID_OPTION", `a SQL value expected, got ${typeof value}`);
}
