import { type Check, check, isBoolean, isSignal } from "../option-check.ts";

/** What has a check of its own. */
const isAnything: Check = () => undefined;

const ROWS = { columns: isAnything, raw: isBoolean, signal: isSignal };
const RANGE = { ...ROWS, from: isAnything, to: isAnything, reverse: isBoolean, limit: isAnything };

/** @throws {LacunaError} `INVALID_OPTION` naming the option of a `get` that is unknown or of the wrong kind */
export const checkGet = (options: object): void => check("", options, ROWS);

/** The same for a `scan` or `range`: a misspelt end of it would read everything. */
export const checkRange = (options: object): void => check("", options, { ...RANGE, keysOnly: isBoolean });
