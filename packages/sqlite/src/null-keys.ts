import { encodeChangeset, SQLITE_DELETE, SQLITE_INSERT, type WholeRow } from "./changeset.ts";
import type { Engine } from "./engine.ts";
import { SQLITE_INTEGER as INTEGER_VALUE, SQLITE_BLOB, SQLITE_FLOAT, SQLITE_TEXT } from "./result-code.ts";
import type { SqlResult } from "./row-reader.ts";
import { type Ask, lowerCase, rowsById, type TableFacts } from "./schema-facts.ts";
import { textFrom } from "./text.ts";

type Values = readonly SqlResult[];

/** A row that had a NULL in its key, or got one. */
interface Touched {
  /** What it was; `undefined` if its key had no NULL. */
  readonly old: Values | undefined;
  /** Only triggers and foreign keys touched it. */
  indirect: boolean;
}

/**
 * Remembers rows that have a NULL in their key: a session passes over them. Like a session it keeps what a row was when it
 * was touched first, and compares that with what it is in the end.
 */
export class NullKeys {
  readonly #engine: Engine;
  readonly #db: number;
  readonly #out: number;
  /** Tables that can have such rows, by name in lower case. */
  readonly #watched = new Map<string, TableFacts>();
  /** By table and row id. */
  #touched = new Map<TableFacts, Map<bigint, Touched>>();

  constructor(engine: Engine, db: number) {
    this.#engine = engine;
    this.#db = db;
    this.#out = engine.sqlite.malloc(4);
  }

  watch(table: TableFacts): void {
    this.#watched.set(lowerCase(table.name), table);
  }

  get watching(): boolean {
    return this.#watched.size > 0;
  }

  get empty(): boolean {
    return this.#touched.size === 0;
  }

  /** Called by SQLite before a row changes, when its old values can be read without waiting. */
  note(operation: number, name: number, before: bigint, after: bigint): void {
    const table = this.#watched.get(lowerCase(this.#engine.heap.cString(name) ?? ""));
    if (table === undefined) return;
    const { sqlite } = this.#engine;
    if (operation !== SQLITE_INSERT) {
      const old = this.#row(table, (column) => sqlite.sqlite3_preupdate_old(this.#db, column, this.#out));
      if (hasNullKey(table, old)) this.#touch(table, before, old);
    }
    if (operation !== SQLITE_DELETE) {
      const next = this.#row(table, (column) => sqlite.sqlite3_preupdate_new(this.#db, column, this.#out));
      if (hasNullKey(table, next)) this.#touch(table, after, undefined);
    }
  }

  /** What became of such rows, as a changeset of each table. */
  async changesets(ask: Ask): Promise<Uint8Array[]> {
    const changesets: Uint8Array[] = [];
    for (const [table, touched] of this.#touched) {
      const now = new Map<bigint, Values>();
      for (const [rowid, ...values] of await rowsById(ask, table, [...touched.keys()])) {
        now.set(rowid as bigint, values);
      }
      const rows: WholeRow[] = [];
      for (const [rowid, { old, indirect }] of touched) {
        const current = now.get(rowid);
        const next = current !== undefined && hasNullKey(table, current) ? current : undefined;
        if (sameRow(old, next)) continue;
        if (old !== undefined) rows.push({ operation: SQLITE_DELETE, indirect, values: old });
        if (next !== undefined) rows.push({ operation: SQLITE_INSERT, indirect, values: next });
      }
      if (rows.length > 0) changesets.push(encodeChangeset(table, rows));
    }
    return changesets;
  }

  /** Forgets everything, and watches nothing. */
  reset(): void {
    this.#watched.clear();
    this.#touched = new Map();
  }

  #touch(table: TableFacts, rowid: bigint, old: Values | undefined): void {
    let rows = this.#touched.get(table);
    if (rows === undefined) {
      rows = new Map();
      this.#touched.set(table, rows);
    }
    const indirect = this.#engine.sqlite.sqlite3_preupdate_depth(this.#db) > 0;
    const known = rows.get(rowid);
    if (known === undefined) rows.set(rowid, { old, indirect });
    else known.indirect &&= indirect;
  }

  #row(table: TableFacts, read: (column: number) => number): Values {
    return table.positions.map((position) => {
      read(position);
      return this.#value(this.#engine.heap.getPointer(this.#out));
    });
  }

  #value(value: number): SqlResult {
    const { sqlite, heap } = this.#engine;
    switch (sqlite.sqlite3_value_type(value)) {
      case INTEGER_VALUE:
        return sqlite.sqlite3_value_int64(value);
      case SQLITE_FLOAT:
        return sqlite.sqlite3_value_double(value);
      case SQLITE_TEXT: {
        const start = sqlite.sqlite3_value_text(value) >>> 0;
        return textFrom(heap.bytes, start, sqlite.sqlite3_value_bytes(value));
      }
      case SQLITE_BLOB: {
        const start = sqlite.sqlite3_value_blob(value) >>> 0;
        return heap.bytes.slice(start, start + sqlite.sqlite3_value_bytes(value));
      }
      default:
        return null;
    }
  }
}

function hasNullKey({ keys }: TableFacts, values: Values): boolean {
  return keys.some((key, column) => key > 0 && values[column] === null);
}

function sameRow(a: Values | undefined, b: Values | undefined): boolean {
  if (a === undefined || b === undefined) return a === b;
  return a.every((value, column) => sameValue(value, b[column]));
}

function sameValue(a: SqlResult, b: SqlResult | undefined): boolean {
  if (!(a instanceof Uint8Array) || !(b instanceof Uint8Array)) return a === b;
  return a.length === b.length && a.every((byte, index) => byte === b[index]);
}
