import type { LacunaError } from "@lacuna/page";
import type { CapturedTable } from "./captured.ts";

/** What has to be known of a table to say a change of it in SQL, as it was when the change was made. */
export interface TableFacts {
  readonly name: string;
  /** The columns that a row can be given, in their order: generated ones are not among them. */
  readonly columns: readonly string[];
  /** Positions in `columns` of the primary key; empty for a table without one. */
  readonly key: readonly number[];
  /** Positions in `columns` that are unique together, the primary key aside. */
  readonly unique: readonly (readonly number[])[];
  /** Positions in `columns` that cannot be NULL. */
  readonly notNull: readonly number[];
  /** What becomes of changes that triggers or foreign keys made. */
  readonly indirect: IndirectChanges;
}

/**
 * Who makes the indirect changes of a table elsewhere. `leave`: the triggers there do, as they did here; sent as well, their
 * effects would happen twice. `send`: no trigger can have made them, so foreign keys did, and they do so elsewhere only if
 * they are enforced there; doing it twice is harmless. `send-old`: triggers ran, and foreign keys may have made updates and
 * deletes of this table.
 */
export type IndirectChanges = "send" | "leave" | "send-old";

/** @param triggersRan whether a table of the same changeset has triggers */
export function factsOf(table: CapturedTable, triggersRan: boolean): TableFacts {
  const positions = new Map(table.columns.map(({ name }, at) => [name, at]));
  const unique = table.unique.map((names) => names.map((name) => positions.get(name) ?? -1));
  return {
    name: table.name,
    columns: table.columns.map(({ name }) => name),
    key: table.columns.flatMap(({ primaryKey }, at) => (primaryKey > 0 ? [at] : [])),
    // An index on an expression, or on a generated column, is beyond what can be compared.
    unique: unique.filter((key) => key.every((at) => at >= 0)),
    notNull: table.columns.flatMap(({ notNull }, at) => (notNull ? [at] : [])),
    indirect: !triggersRan ? "send" : table.hasForeignKeyActions ? "send-old" : "leave",
  };
}

/** Facts as text. */
export function encodeFacts({ name, columns, key, unique, notNull, indirect }: TableFacts): string {
  return JSON.stringify([name, columns, key, unique, notNull, indirect]);
}

/** @throws {LacunaError} `REPLICA_CORRUPT` if the text is something else */
export function decodeFacts(
  text: string,
  reader: { error(what: string, cause?: unknown): LacunaError },
): TableFacts {
  let parts: unknown;
  try {
    parts = JSON.parse(text);
  } catch (cause) {
    throw reader.error("facts of a table expected, found no JSON", cause);
  }
  const [name, columns, key, unique, notNull, indirect] = Array.isArray(parts) ? (parts as unknown[]) : [];
  const isPositions = (value: unknown): value is number[] =>
    Array.isArray(value) &&
    Array.isArray(columns) &&
    value.every((at) => Number.isInteger(at) && at in columns);
  if (
    typeof name === "string" &&
    Array.isArray(columns) &&
    columns.every((column) => typeof column === "string") &&
    isPositions(key) &&
    Array.isArray(unique) &&
    unique.every(isPositions) &&
    isPositions(notNull) &&
    (indirect === "send" || indirect === "leave" || indirect === "send-old")
  ) {
    return { name, columns, key, unique, notNull, indirect };
  }
  throw reader.error("facts of a table expected, found other JSON");
}
