import { LacunaError } from "@lacuna/page";
import type { CallOptions } from "./statement.ts";

const EXPECTED: Readonly<Record<keyof CallOptions, [what: string, test: (value: unknown) => boolean]>> = {
  signal: ["an AbortSignal", (value) => typeof value === "object" && value !== null && "aborted" in value],
  budget: ["an object", (value) => typeof value === "object" && value !== null],
  safeIntegers: ["true or false", (value) => typeof value === "boolean"],
};

/** @throws {LacunaError} `INVALID_OPTION` naming the option that is unknown or of another kind */
export function checkCallOptions(options: CallOptions): CallOptions {
  for (const [name, value] of Object.entries(options)) {
    if (!Object.hasOwn(EXPECTED, name)) {
      throw invalid(`a call has no option ${name}; it has ${Object.keys(EXPECTED).join(", ")}`);
    }
    const [what, test] = EXPECTED[name as keyof CallOptions];
    if (value !== undefined && !test(value)) throw invalid(`option ${name} must be ${what}, got ${value}`);
  }
  return options;
}

/** @throws {LacunaError} `INVALID_OPTION` */
export function checkSql(sql: unknown): void {
  if (typeof sql !== "string") throw invalid(`SQL must be a string, got ${sql === null ? sql : typeof sql}`);
}

/** @throws {LacunaError} `INVALID_OPTION` */
export function checkBatch(statements: unknown): void {
  if (Array.isArray(statements) && statements.every((each) => each !== null)) return;
  throw invalid("a batch must be a list of statements, each a string or an object with sql and args");
}

const invalid = (message: string): LacunaError => new LacunaError("INVALID_OPTION", message);
