import { LacunaError } from "@lacuna/page";

/** A JSON object of which nothing is known yet. */
export type JsonObject = Readonly<Record<string, unknown>>;

/** The error of a JSON value that is not what it should be. `where` is its path, such as `requests[0].stmt`. */
export function shapeError(where: string, expected: string, found: unknown): LacunaError {
  return new LacunaError("PROTOCOL", `${where} must be ${expected}, got ${nameOf(found)}`);
}

export function jsonObject(value: unknown, where: string): JsonObject {
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw shapeError(where, "an object", value);
  }
  return value as JsonObject;
}

export function jsonText(value: unknown, where: string): string {
  if (typeof value !== "string") throw shapeError(where, "a string", value);
  return value;
}

/** A list of at most `most` members; one that is absent or null has none. */
export function jsonList(value: unknown, where: string, most: number): readonly unknown[] {
  if (value === undefined || value === null) return [];
  if (!Array.isArray(value)) throw shapeError(where, "an array", value);
  if (value.length > most) {
    throw new LacunaError("PROTOCOL", `${where} must have at most ${most} members, got ${value.length}`);
  }
  return value;
}

/** A whole number from 0 to `most`. */
export function jsonCount(value: unknown, where: string, most: number): number {
  if (typeof value === "number" && Number.isInteger(value) && value >= 0 && value <= most) return value;
  throw shapeError(where, `a whole number from 0 to ${most}`, value);
}

/** A value that may be left out or be null. */
export function jsonOptional<T>(
  value: unknown,
  where: string,
  read: (value: unknown, where: string) => T,
): T | undefined {
  return value === undefined || value === null ? undefined : read(value, where);
}

function nameOf(value: unknown): string {
  if (value === undefined) return "nothing";
  if (value === null) return "null";
  if (Array.isArray(value)) return "an array";
  if (typeof value === "number" || typeof value === "boolean") return String(value);
  if (typeof value === "string")
    return JSON.stringify(value.length > 40 ? `${value.slice(0, 40)}...` : value);
  return "an object";
}
