import { LacunaError } from "@lacuna/page";

/** @throws {LacunaError} `INVALID_OPTION` unless `value` is an integer of at least `minimum` */
export function checkCount(name: string, value: number, minimum: number): void {
  if (Number.isSafeInteger(value) && value >= minimum) return;
  throw new LacunaError("INVALID_OPTION", `${name} must be an integer of at least ${minimum}, got ${value}`);
}

/** @throws {LacunaError} `INVALID_OPTION` unless `value` is a number of milliseconds: not negative, perhaps infinite */
export function checkMilliseconds(name: string, value: number): void {
  if (value >= 0) return;
  throw new LacunaError("INVALID_OPTION", `${name} must be a number of milliseconds, got ${value}`);
}
