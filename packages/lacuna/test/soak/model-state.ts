/** A value as SQL has it and as `quote()` shows it. */
export type Literal = string;

/** The values of a row by column. */
export type Row = Readonly<Record<string, Literal>>;

export interface Column {
  readonly name: string;
  /** The declared type, which every value given to the column has; empty: values of any type. */
  readonly type: "" | "TEXT" | "INTEGER" | "REAL";
  /** What rows have that were there before the column, or do not name it. */
  readonly initial: Literal;
}

export interface Table {
  readonly name: string;
  readonly columns: readonly Column[];
  /** Names of the primary key; empty for a table without one. */
  readonly key: readonly string[];
  /** A column `g` that is computed from this one. */
  readonly generatedFrom?: string | undefined;
  readonly isStored?: boolean | undefined;
  readonly isWithoutRowid?: boolean | undefined;
  /** The table in which triggers keep what became last of each row, with the value of this column. */
  readonly audit?: { readonly table: string; readonly watched: string } | undefined;
  /** By the values of the key; of a table without one, by a number that means nothing elsewhere. */
  readonly rows: Map<string, Row>;
}

/** What is in a database. */
export interface State {
  readonly tables: Map<string, Table>;
  /** The tables of indexes. */
  readonly indexes: Map<string, string>;
}

export const emptyState = (): State => ({ tables: new Map(), indexes: new Map() });

/** A state of its own, with the same rows. */
export function copied({ tables, indexes }: State): State {
  return {
    tables: new Map([...tables].map(([name, table]) => [name, { ...table, rows: new Map(table.rows) }])),
    indexes: new Map(indexes),
  };
}

let places = 0;

/** Where a row belongs in `rows`. */
export function placeOf({ key }: Table, row: Row): string {
  return key.length === 0 ? `#${places++}` : key.map((name) => row[name]).join("\0");
}

/** The rows of every table and the names of the indexes, as text; the same for states that are the same to SQL. */
export function shownState({ tables, indexes }: State): string[] {
  const lines = [...indexes.keys()].map((name) => `index ${name}`);
  for (const table of tables.values()) {
    lines.push(`table ${table.name}`);
    for (const row of table.rows.values()) {
      lines.push(
        `${table.name}: ${shownColumns(table)
          .map((name) => shownValue(table, row, name))
          .join(", ")}`,
      );
    }
  }
  return lines.sort();
}

/** Columns as `SELECT` is to name them. */
export function shownColumns({ columns, generatedFrom }: Table): string[] {
  return [...columns.map(({ name }) => name), ...(generatedFrom === undefined ? [] : ["g"])];
}

function shownValue({ generatedFrom }: Table, row: Row, column: string): Literal {
  return row[column === "g" && generatedFrom !== undefined ? generatedFrom : column] ?? "missing";
}

/** The same of a real database. */
export async function shownDatabase(
  { tables }: State,
  rowsOf: (sql: string) => Promise<readonly (readonly unknown[])[]>,
): Promise<string[]> {
  const schema = await rowsOf(
    "SELECT type, name FROM sqlite_schema WHERE type IN ('table', 'index') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' " +
      "AND name NOT LIKE 'turso\\_%' ESCAPE '\\' AND name NOT LIKE '\\_\\_turso%' ESCAPE '\\'",
  );
  const lines = schema.map(([type, name]) => `${type} ${name}`);
  for (const table of tables.values()) {
    const columns = shownColumns(table).map((name) => `quote(${name})`);
    if (!lines.includes(`table ${table.name}`)) continue;
    const rows = await rowsOf(`SELECT ${columns.join(", ")} FROM ${table.name}`);
    for (const row of rows) lines.push(`${table.name}: ${row.join(", ")}`);
  }
  return lines.sort();
}
