import type { KeyBound, Rowid, Value } from "@lacuna/btree";
import { invalid } from "../option-check.ts";

/** A row id, or the values of the first columns of a key; a single value stands for a list of one. */
export type Key = Value | readonly Value[];

/** One end of a range. */
export type Bound = Key | { readonly key: Key; readonly inclusive?: boolean | undefined };

function isValue(value: unknown): value is Value {
  if (typeof value === "bigint") return BigInt.asIntN(64, value) === value;
  if (typeof value === "number") return !Number.isNaN(value);
  return value === null || typeof value === "string" || value instanceof Uint8Array;
}

/** @throws {LacunaError} `INVALID_OPTION` unless it is 1 to `most` values that SQLite can store */
export function keyValues(what: string, key: Key, most: number): readonly Value[] {
  const values: readonly unknown[] = Array.isArray(key) ? key : [key];
  const stranger = values.findIndex((value) => !isValue(value));
  if (stranger >= 0) throw invalid(`${what} holds a ${typeof values[stranger]}, which SQLite cannot store`);
  if (values.length >= 1 && values.length <= most) return values as readonly Value[];
  throw invalid(`${what} must have 1 to ${most} values, got ${values.length}`);
}

/** @throws {LacunaError} `INVALID_OPTION` unless it is one integer of 64 bits */
export function rowidKey(what: string, key: Key): Rowid {
  const [value] = keyValues(what, key, 1);
  if (typeof value === "bigint") return value;
  if (typeof value === "number" && Number.isSafeInteger(value)) return value;
  throw invalid(`${what} must be a row id: an integer, beyond 2^53 as a bigint; got ${show(value)}`);
}

const show = (value: unknown): string =>
  typeof value === "string" ? JSON.stringify(value) : value instanceof Uint8Array ? "a blob" : String(value);

const isBound = (bound: Bound): bound is Exclude<Bound, Key> =>
  typeof bound === "object" && bound !== null && "key" in bound;

/** @throws {LacunaError} `INVALID_OPTION` as `keyValues` */
export function keyBound(what: string, bound: Bound | undefined, most: number): KeyBound | undefined {
  if (bound === undefined) return undefined;
  if (!isBound(bound)) return { key: keyValues(what, bound, most) };
  return { key: keyValues(what, bound.key, most), inclusive: bound.inclusive ?? true };
}

/**
 * The row id at which a range ends that leaves out `by` where the bound is exclusive.
 * @throws {LacunaError} `INVALID_OPTION` as `rowidKey`
 */
export function rowidBound(what: string, bound: Bound | undefined, by: 1 | -1): Rowid | undefined {
  if (bound === undefined) return undefined;
  if (!isBound(bound)) return rowidKey(what, bound);
  const rowid = rowidKey(what, bound.key);
  return (bound.inclusive ?? true) ? rowid : BigInt(rowid) + BigInt(by);
}
