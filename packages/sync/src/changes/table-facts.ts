import { foldName, type ParsedTable, parseCreateIndex, parseCreateTable, tokenize } from "@lacuna/btree";
import { LacunaError } from "@lacuna/page";

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
  /** Positions in `columns` of REAL affinity. */
  readonly real: readonly number[];
  /** What becomes of changes that triggers or foreign keys made: see `indirectChanges`. */
  readonly indirect: IndirectChanges;
}

/**
 * `send`: the remote may not make them by itself. `leave`: triggers made them, and the remote's do so too. `send-old`: foreign
 * keys may have made updates and deletes; inserts are of triggers.
 */
export type IndirectChanges = "send" | "leave" | "send-old";

/** Finds the facts of a table. */
export type FactsOf = (table: string) => TableFacts;

/**
 * The facts of every table of a schema.
 * @param schema the SQL of `sqlite_schema`, of tables, indexes and triggers
 * @throws {LacunaError} `NOT_SUPPORTED` for a table that is not understood, when it is asked for
 */
export function tableFacts(schema: readonly string[]): FactsOf {
  let facts = FACTS.get(schema);
  if (facts === undefined) {
    facts = readSchema(schema);
    FACTS.set(schema, facts);
  }
  return facts;
}

/** Of schemas that were asked about before: most transactions see the same. */
const FACTS = new WeakMap<readonly string[], FactsOf>();

function readSchema(schema: readonly string[]): FactsOf {
  const tables = new Map<string, string>();
  const indexes: string[] = [];
  const triggers: string[] = [];
  for (const sql of schema) {
    const [create, second, third] = tokenize(sql);
    if (create?.upper !== "CREATE") continue;
    if (second?.upper === "TABLE") tables.set(foldName(nameAfter(sql)), sql);
    else if (second?.upper === "UNIQUE" && third?.upper === "INDEX") indexes.push(sql);
    else if (second?.upper === "TRIGGER") triggers.push(sql);
  }
  const known = new Map<string, TableFacts>();
  return (table) => {
    const folded = foldName(table);
    let facts = known.get(folded);
    if (facts === undefined) {
      const sql = tables.get(folded);
      if (sql === undefined) throw notUnderstood(table, "its CREATE TABLE statement is not there");
      facts = factsOf(table, sql, indexes, triggers);
      known.set(folded, facts);
    }
    return facts;
  };
}

function factsOf(
  name: string,
  sql: string,
  indexes: readonly string[],
  triggers: readonly string[],
): TableFacts {
  const parsed = understood(name, () => parseCreateTable(sql));
  const given = parsed.columns.filter(({ generated }) => generated === undefined);
  const columns = given.map((column) => column.name);
  const positions = new Map(columns.map((column, at) => [foldName(column), at]));
  const at = (names: readonly { readonly name: string | undefined }[]): number[] =>
    names.map((column) => positions.get(foldName(column.name ?? "")) ?? -1);
  const unique: (readonly number[])[] = parsed.constraints
    .filter(({ kind }) => kind === "unique")
    .map((constraint) => at(constraint.columns));
  for (const index of indexes) {
    const found = understood(name, () => parseCreateIndex(index));
    if (foldName(found.tableName) === foldName(name)) unique.push(at(found.columns));
  }
  return {
    name,
    columns,
    key: keyOf(parsed, at),
    // A key with an expression, or with a generated column, is beyond what can be compared.
    unique: unique.filter((key) => key.every((position) => position >= 0)),
    notNull: given.flatMap((column, position) => (column.notNull ? [position] : [])),
    real: given.flatMap((column, position) => (column.affinity === "REAL" ? [position] : [])),
    indirect: indirectChanges(name, sql, triggers),
  };
}

/** Facts as text. */
export function encodeFacts(facts: TableFacts): string {
  let text = TEXTS.get(facts);
  if (text === undefined) {
    const { name, columns, key, unique, notNull, indirect, real } = facts;
    text = JSON.stringify([name, columns, key, unique, notNull, indirect, real]);
    TEXTS.set(facts, text);
  }
  return text;
}

const TEXTS = new WeakMap<TableFacts, string>();

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
  const [name, columns, key, unique, notNull, indirect, real = []] = Array.isArray(parts)
    ? (parts as unknown[])
    : [];
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
    isPositions(real) &&
    (indirect === "send" || indirect === "leave" || indirect === "send-old")
  ) {
    return { name, columns, key, unique, notNull, indirect, real };
  }
  throw reader.error("facts of a table expected, found other JSON");
}

function keyOf(
  { constraints, rowidAlias, columns }: ParsedTable,
  at: (names: readonly { readonly name: string | undefined }[]) => number[],
): number[] {
  const declared = constraints.find(({ kind }) => kind === "primary-key");
  if (declared !== undefined) return at(declared.columns);
  const alias = rowidAlias === undefined ? undefined : columns[rowidAlias];
  return alias === undefined ? [] : at([alias]);
}

/**
 * Who makes the indirect changes of a table at the remote. Effects of triggers are left to the triggers there: sent as well,
 * they would happen twice. Actions of foreign keys happen there only if the remote enforces them, and doing them twice is
 * harmless, so they are sent.
 */
function indirectChanges(name: string, sql: string, triggers: readonly string[]): IndirectChanges {
  if (triggers.length === 0) return "send";
  const words = (text: string): string[] =>
    tokenize(text.replaceAll(";", " ")).map((token) => foldName(token.text));
  const hasActions = words(sql).includes("references") && words(sql).includes("on");
  if (!hasActions) return "leave";
  const folded = foldName(name);
  return triggers.some((trigger) => words(trigger).includes(folded)) ? "leave" : "send-old";
}

/** The name of what a CREATE TABLE makes. */
function nameAfter(sql: string): string {
  const tokens = tokenize(sql);
  let at = 2;
  if (tokens[at]?.upper === "IF") at += 3;
  if (tokens[at + 1]?.upper === ".") at += 2;
  return tokens[at]?.text ?? "";
}

function understood<T>(table: string, parse: () => T): T {
  try {
    return parse();
  } catch (cause) {
    throw notUnderstood(table, "its CREATE statements are not understood", cause);
  }
}

function notUnderstood(table: string, why: string, cause?: unknown): LacunaError {
  return new LacunaError(
    "NOT_SUPPORTED",
    `changes of table ${JSON.stringify(table)} cannot be kept: ${why}`,
    {
      cause,
    },
  );
}
