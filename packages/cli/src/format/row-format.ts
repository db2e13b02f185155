/** A value as SQLite hands it over, with integers kept exact. */
export type CellValue = null | number | bigint | string | Uint8Array;

/**
 * Turns the rows of one statement into text, piece by piece, so that a long result needs no memory. Pure: each call
 * returns the text to write next, which may be empty.
 *
 * Integers are `bigint` (exact), reals are `number`; a whole `number` is a real and is written as one.
 */
export interface RowFormat {
  /** Called once, before the first row. */
  begin(columns: readonly string[]): string;
  row(values: readonly CellValue[]): string;
  /** Called once, after the last row. */
  end(): string;
}

/** Lower-case hexadecimal, two digits a byte: how a blob is written in every format. */
export function hexOf(bytes: Uint8Array): string {
  let hex = "";
  for (const byte of bytes) hex += byte.toString(16).padStart(2, "0");
  return hex;
}

/**
 * A real number with all the digits it needs to come back unchanged, and always recognisable as a real: `1.0`, `1e+21`.
 * Infinities are written `1e999` and `-1e999`, which SQL and JSON readers both take for what they are.
 */
export function realText(value: number): string {
  if (value === Number.POSITIVE_INFINITY) return "1e999";
  if (value === Number.NEGATIVE_INFINITY) return "-1e999";
  if (Object.is(value, -0)) return "-0.0";
  const text = String(value);
  return /^-?\d+$/.test(text) ? `${text}.0` : text;
}
