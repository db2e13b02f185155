import type { CapturedTable } from "./captured-transaction.ts";
import type { SqlResult } from "./row-reader.ts";

/** Runs a query and gives its rows as arrays, INTEGER as bigint. */
export type Ask = (sql: string) => Promise<SqlResult[][]>;

/** What an entry of the schema is. "PRAGMA table_list". */
export type ObjectKind = "table" | "view" | "virtual" | "shadow";

/** What is known of the schema of the database `main`, asked for once until `forget`. */
export class SchemaFacts {
  readonly #ask: Ask;
  #kinds: ReadonlyMap<string, ObjectKind> | undefined;
  readonly #tables = new Map<string, CapturedTable>();

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** The schema may be another one. */
  forget(): void {
    this.#kinds = undefined;
    this.#tables.clear();
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

  async table(name: string): Promise<CapturedTable> {
    const known = this.#tables.get(name);
    if (known !== undefined) return known;
    const quoted = quoteText(name);
    const columns = await this.#ask(
      `SELECT name, type, "notnull", pk FROM pragma_table_xinfo(${quoted}, 'main') WHERE hidden = 0`,
    );
    const [facts = []] = await this.#ask(
      `SELECT wr, strict,
        EXISTS (SELECT 1 FROM main.sqlite_schema WHERE type = 'trigger' AND tbl_name = ${quoted} COLLATE NOCASE),
        EXISTS (SELECT 1 FROM pragma_index_list(${quoted}, 'main') WHERE origin = 'pk'),
        EXISTS (SELECT 1 FROM pragma_foreign_key_list(${quoted}, 'main')
          WHERE on_update <> 'NO ACTION' OR on_delete <> 'NO ACTION')
        FROM pragma_table_list(${quoted}) WHERE schema = 'main'`,
    );
    const indexes = await this.#ask(
      `SELECT i.name, c.name FROM pragma_index_list(${quoted}, 'main') i, pragma_index_info(i.name, 'main') c
        WHERE i."unique" AND i.origin <> 'pk' ORDER BY i.seq, c.seqno`,
    );
    const unique = new Map<unknown, string[]>();
    for (const [index, column] of indexes) {
      unique.set(index, [...(unique.get(index) ?? []), String(column ?? "")]);
    }
    const [withoutRowid, strict, hasTriggers, keyHasIndex, hasForeignKeyActions] = facts.map(
      (fact) => fact === 1n,
    );
    const table: CapturedTable = {
      name,
      columns: columns.map(([column, type, notNull, key]) => ({
        name: String(column),
        type: String(type),
        primaryKey: Number(key),
        notNull: notNull === 1n,
      })),
      keyedByRowid: columns.every(([, , , key]) => key === 0n),
      withoutRowid: withoutRowid === true,
      strict: strict === true,
      // A key that needs no index is the row id itself.
      rowidAlias:
        withoutRowid === true || keyHasIndex === true
          ? undefined
          : (columns.find(([, , , key]) => key === 1n)?.[0]?.toString() ?? undefined),
      unique: [...unique.values()],
      hasTriggers: hasTriggers === true,
      hasForeignKeyActions: hasForeignKeyActions === true,
    };
    this.#tables.set(name, table);
    return table;
  }
}

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
