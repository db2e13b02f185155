import type { Engine } from "./engine.ts";
import type { ParameterNames } from "./parameters.ts";
import type { StatementEffects } from "./statement-effects.ts";

/** What is known of a result column before a row is read. */
export interface Column {
  /** Its name in the result: the alias if there is one. */
  readonly name: string;
  /** The column of a table it comes from unchanged; `null` for an expression. */
  readonly column: string | null;
  readonly table: string | null;
  /** `main`, `temp`, or the name of an attached database. */
  readonly database: string | null;
  /** The type the table declares for it. */
  readonly type: string | null;
}

/** SQLite counts how often it compiled a statement again because the schema had changed. */
const STATUS_REPREPARE = 5;

/** A statement compiled by one instance. */
export class CompiledStatement {
  readonly sql: string;
  /** The `sqlite3_stmt`. */
  readonly pointer: number;
  /** It cannot write to a database; it may still begin a transaction or change a setting. */
  readonly readonly: boolean;
  readonly parameterNames: ParameterNames;
  readonly effects: StatementEffects;
  readonly #engine: Engine;
  #names: readonly string[];
  #compilations = 0;

  constructor(engine: Engine, sql: string, pointer: number, effects: StatementEffects) {
    const { sqlite, heap } = engine;
    this.#engine = engine;
    this.sql = sql;
    this.pointer = pointer;
    this.effects = effects;
    this.readonly = sqlite.sqlite3_stmt_readonly(pointer) !== 0;
    const parameters = sqlite.sqlite3_bind_parameter_count(pointer);
    this.parameterNames = Array.from({ length: parameters }, (_, index) =>
      heap.cString(sqlite.sqlite3_bind_parameter_name(pointer, index + 1)),
    );
    this.#names = this.#readNames();
  }

  /** The names of the result columns. They change with the schema (`SELECT *`), and then only while it runs. */
  columnNames(): readonly string[] {
    const compilations = this.#engine.sqlite.sqlite3_stmt_status(this.pointer, STATUS_REPREPARE, 0);
    if (compilations !== this.#compilations) {
      this.#compilations = compilations;
      this.#names = this.#readNames();
    }
    return this.#names;
  }

  columns(): Column[] {
    const { sqlite, heap } = this.#engine;
    const text = (read: (statement: number, column: number) => number, column: number) =>
      heap.cString(read(this.pointer, column)) ?? null;
    return this.columnNames().map((name, column) => ({
      name,
      column: text(sqlite.sqlite3_column_origin_name, column),
      table: text(sqlite.sqlite3_column_table_name, column),
      database: text(sqlite.sqlite3_column_database_name, column),
      type: text(sqlite.sqlite3_column_decltype, column),
    }));
  }

  #readNames(): string[] {
    const { sqlite, heap } = this.#engine;
    return Array.from(
      { length: sqlite.sqlite3_column_count(this.pointer) },
      (_, column) => heap.cString(sqlite.sqlite3_column_name(this.pointer, column)) ?? "",
    );
  }
}
