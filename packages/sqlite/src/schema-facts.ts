import type { SqlResult } from "./row-reader.ts";

/** Runs a query and gives its rows as arrays, INTEGER as bigint. */
export type Ask = (sql: string) => Promise<SqlResult[][]>;

/** What an entry of the schema is. "PRAGMA table_list". */
export type ObjectKind = "table" | "view" | "virtual" | "shadow";

/** What recording changes has to know of a table. Generated columns are left out. */
export interface TableFacts {
  readonly name: string;
  readonly columns: readonly string[];
  /** Where each of them is among all columns of the table, from 0. */
  readonly positions: readonly number[];
  /** For each of them its place in the primary key, from 1, or 0. */
  readonly keys: readonly number[];
  /** The row id is the key, because no other one is declared. */
  readonly keyless: boolean;
  /** Rows may have a NULL in their key. SQLite allows that for old times' sake. */
  readonly nullableKey: boolean;
}

/** What is known of the schema of the database `main`, asked for once until `forget`. */
export class SchemaFacts {
  readonly #ask: Ask;
  #kinds: ReadonlyMap<string, ObjectKind> | undefined;
  #sql: readonly string[] | undefined;
  #replaces: boolean | undefined;
  readonly #tables = new Map<string, TableFacts>();

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** The schema may be another one. */
  forget(): void {
    this.#kinds = undefined;
    this.#sql = undefined;
    this.#replaces = undefined;
    this.#tables.clear();
  }

  /** Whether `load` was called. */
  get isLoaded(): boolean {
    return this.#kinds !== undefined;
  }

  async load(): Promise<void> {
    if (this.#kinds !== undefined) return;
    const rows = await this.#ask("SELECT lower(name), type FROM pragma_table_list WHERE schema = 'main'");
    this.#kinds = new Map(rows.map(([name, type]) => [String(name), type as ObjectKind]));
  }

  /** After `load`. Names are equal whatever the case of their ASCII letters. */
  kindOf(name: string): ObjectKind | undefined {
    return this.#kinds?.get(lowerCase(name));
  }

  /** The text of the schema. */
  async sql(): Promise<readonly string[]> {
    if (this.#sql === undefined) {
      const rows = await this.#ask("SELECT sql FROM main.sqlite_schema WHERE sql IS NOT NULL");
      this.#sql = rows.map(([sql]) => String(sql));
    }
    return this.#sql;
  }

  /** Whether INSERT may replace rows without saying so, because of how a table is declared. */
  async replaces(): Promise<boolean> {
    this.#replaces ??= (await this.sql()).some((sql) => /\bon\s+conflict\s+replace\b/i.test(sql));
    return this.#replaces;
  }

  async table(name: string): Promise<TableFacts> {
    const known = this.#tables.get(name);
    if (known !== undefined) return known;
    const rows = await this.#ask(
      `SELECT name, cid, "notnull", pk, type FROM pragma_table_xinfo(${quoteText(name)}, 'main') WHERE hidden = 0`,
    );
    const [[withoutRowid] = []] = await this.#ask(
      `SELECT wr FROM pragma_table_list(${quoteText(name)}) WHERE schema = 'main'`,
    );
    const keys = rows.map(([, , , key]) => Number(key));
    const keyRows = rows.filter(([, , , key]) => key !== 0n);
    // Most of these are the row id itself. For the few that are not, looking at their rows more closely does no harm.
    const rowid = keyRows.length === 1 && String(keyRows[0]?.[4]).toUpperCase() === "INTEGER";
    const facts: TableFacts = {
      name,
      columns: rows.map(([column]) => String(column)),
      positions: rows.map(([, position]) => Number(position)),
      keys,
      keyless: keyRows.length === 0,
      nullableKey: withoutRowid === 0n && !rowid && keyRows.some(([, , notNull]) => notNull === 0n),
    };
    this.#tables.set(name, facts);
    return facts;
  }
}

/** Rows asked for in one query. */
const ROWS_ASKED = 500;

/** Those of the rows that there are: the row id, then the values of the columns. */
export async function rowsById(
  ask: Ask,
  { name, columns }: TableFacts,
  rowids: readonly bigint[],
): Promise<SqlResult[][]> {
  const found: SqlResult[][] = [];
  const names = ["_rowid_", ...columns.map(quoteName)].join(", ");
  for (let at = 0; at < rowids.length; at += ROWS_ASKED) {
    const some = rowids.slice(at, at + ROWS_ASKED).join(", ");
    found.push(...(await ask(`SELECT ${names} FROM main.${quoteName(name)} WHERE _rowid_ IN (${some})`)));
  }
  return found;
}

/** Those of the rows of a table with a primary key that there are: the values of the columns. */
export async function rowsByKey(
  ask: Ask,
  { name, columns, keys }: TableFacts,
  wanted: readonly (readonly SqlResult[])[],
): Promise<SqlResult[][]> {
  const found: SqlResult[][] = [];
  const key = columns.filter((_, column) => (keys[column] ?? 0) > 0).map(quoteName);
  const select = `SELECT ${columns.map(quoteName).join(", ")} FROM main.${quoteName(name)}`;
  for (let at = 0; at < wanted.length; at += ROWS_ASKED) {
    const some = wanted.slice(at, at + ROWS_ASKED).map((values) => `(${values.map(quoteValue).join(", ")})`);
    found.push(...(await ask(`${select} WHERE (${key.join(", ")}) IN (VALUES ${some.join(", ")})`)));
  }
  return found;
}

function quoteValue(value: SqlResult): string {
  if (value === null) return "NULL";
  if (value instanceof Uint8Array) return `x'${hex(value)}'`;
  if (typeof value === "string")
    return value.includes("\0")
      ? `CAST(x'${hex(new TextEncoder().encode(value))}' AS TEXT)`
      : quoteText(value);
  if (value === Number.POSITIVE_INFINITY) return "9e999";
  return value === Number.NEGATIVE_INFINITY ? "-9e999" : String(value);
}

const hex = (bytes: Uint8Array): string =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

/** As SQLite compares names: only ASCII letters have two cases. */
export function lowerCase(name: string): string {
  return name.replace(/[A-Z]+/g, (letters) => letters.toLowerCase());
}

export function quoteText(text: string): string {
  return `'${text.replaceAll("'", "''")}'`;
}

export function quoteName(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
