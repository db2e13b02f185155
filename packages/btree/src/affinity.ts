import type { StorageClass, Value } from "./value.ts";
import { narrow } from "./varint.ts";

/** What a column prefers to store. Datatypes, "Type Affinity"; `BLOB` is also called none. */
export type Affinity = "INTEGER" | "TEXT" | "BLOB" | "REAL" | "NUMERIC";

/** The affinity of a declared type. Datatypes, "Determination Of Column Affinity". */
export function affinityOf(type: string, strict: boolean): Affinity {
  if (strict && /^any$/i.test(type)) return "BLOB";
  if (/int/i.test(type)) return "INTEGER";
  if (/char|clob|text/i.test(type)) return "TEXT";
  if (type === "" || /blob/i.test(type)) return "BLOB";
  return /real|floa|doub/i.test(type) ? "REAL" : "NUMERIC";
}

/** A constant with its storage class, which a `number` alone does not tell. */
export interface Constant {
  readonly value: Value;
  readonly storageClass: StorageClass;
}

const integer = (value: bigint): Constant => ({ value: narrow(value), storageClass: "integer" });
const real = (value: number): Constant => ({ value, storageClass: "real" });

/** The number of a literal of SQL without `_`, `undefined` if it is none. An integer beyond 64 bits becomes REAL. */
export function parseNumber(digits: string): Constant | undefined {
  const [, sign, hex] = /^([+-]?)(0x[\da-f]+)$/i.exec(digits) ?? [];
  if (hex === undefined) return numberOfText(digits);
  const value = BigInt.asIntN(64, BigInt(hex));
  return integer(sign === "-" ? -value : value);
}

/** The decimal number that all of a text is, but for spaces around it: text is no number in any other form. */
function numberOfText(text: string): Constant | undefined {
  const [, digits = ""] =
    /^[\t-\r ]*([+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?)[\t-\r ]*$/i.exec(text) ?? [];
  if (/^[+-]?\d+$/.test(digits) && digits.length < 25) {
    const value = BigInt(digits.replace("+", ""));
    if (BigInt.asIntN(64, value) === value) return integer(value);
  }
  return digits === "" ? undefined : real(Number(digits));
}

/** Applies a column's affinity to a constant, given the text it was spelled with. Datatypes, "Type Affinity". */
export function applyAffinity(constant: Constant, spelled: string, affinity: Affinity): Constant {
  const { value, storageClass } = constant;
  if (storageClass === "null" || storageClass === "blob" || affinity === "BLOB") return constant;
  if (affinity === "TEXT") {
    if (storageClass === "text") return constant;
    return { value: storageClass === "integer" ? String(value) : spelled, storageClass: "text" };
  }
  const number = storageClass === "text" ? numberOfText(value as string) : constant;
  if (number === undefined) return constant;
  if (affinity === "REAL") return real(Number(number.value));
  const whole = number.value as number;
  const fits = number.storageClass === "real" && Number.isInteger(whole) && Math.abs(whole) < 2 ** 63;
  return fits ? integer(BigInt(whole)) : number;
}
