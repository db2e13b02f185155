import { type Check, check, isBoolean, isSignal } from "../option-check.ts";

/** What is checked where it is used. */
const isAnything: Check = () => undefined;

const ROW = { columns: isAnything, raw: isBoolean, signal: isSignal };
const ROWS = {
  ...ROW,
  from: isAnything,
  to: isAnything,
  reverse: isBoolean,
  limit: isAnything,
  keysOnly: isBoolean,
};

/** @throws {LacunaError} `INVALID_OPTION` naming the option of a `get` that is unknown or of the wrong kind */
export const checkGet = (options: object): void => check("", options, ROW);

/** The same for a `scan` or `range`: misspelt, an end of it would read everything. */
export const checkRange = (options: object): void => check("", options, ROWS);
