import { LacunaError } from "@lacuna/page";

/** @throws {LacunaError} `INVALID_OPTION` unless the value is an integer of at least `minimum` */
export function atLeast(minimum: number, name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= minimum) return value;
  throw new LacunaError("INVALID_OPTION", `${name} must be an integer of at least ${minimum}, got ${value}`);
}

/** @throws {LacunaError} `INVALID_OPTION` unless the value is what a page can have of usable bytes */
export function checkUsableSize(usableSize: number): number {
  if (usableSize >= 480 && usableSize <= 65536) return usableSize;
  throw new LacunaError("INVALID_OPTION", `usableSize must be from 480 to 65536, got ${usableSize}`);
}
