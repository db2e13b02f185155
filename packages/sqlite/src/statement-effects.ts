import type { Engine } from "./engine.ts";
import { SQLITE_IGNORE, SQLITE_OK } from "./result-code.ts";

/** What running a statement may do, as told by SQLite when it is compiled. */
export interface StatementEffects {
  /** It takes the lock of a writer on the database. */
  readonly writes: boolean;
  /** Tables, views and virtual tables of the database whose rows it changes itself. */
  readonly targets: ReadonlySet<string>;
  /** Tables it inserts rows into itself. */
  readonly inserts: ReadonlySet<string>;
  /** Tables it deletes rows of, itself or by its triggers. */
  readonly deletes: ReadonlySet<string>;
  /** The columns it sets itself of rows that are there, by table; `ROWID` for a row id that is no column. */
  readonly sets: ReadonlyMap<string, ReadonlySet<string>>;
  /** It says REPLACE somewhere. */
  readonly replaces: boolean;
  /** `targets` and those that its triggers change, and what it creates, alters or drops. */
  readonly touches: ReadonlySet<string>;
  /** It changes the schema of the database. */
  readonly ddl: boolean;
  /** The table it creates to hold the rows of a query. */
  readonly createsFromQuery: string | undefined;
  /** It is a PRAGMA that sets a number in the header of the database that applications use. */
  readonly setsHeader: boolean;
  readonly savepoint:
    | { readonly operation: "BEGIN" | "RELEASE" | "ROLLBACK"; readonly name: string }
    | undefined;
}

// "Authorizer Action Codes".
const CREATE_INDEX = 1;
const CREATE_TABLE = 2;
const CREATE_TRIGGER = 7;
const CREATE_VIEW = 8;
const DELETE = 9;
const DROP_INDEX = 10;
const DROP_TABLE = 11;
const DROP_TRIGGER = 16;
const DROP_VIEW = 17;
const INSERT = 18;
const PRAGMA = 19;
const READ = 20;
const SELECT = 21;
const TRANSACTION = 22;
const UPDATE = 23;
const ALTER_TABLE = 26;
const REINDEX = 27;
const ANALYZE = 28;
const CREATE_VTABLE = 29;
const DROP_VTABLE = 30;
const FUNCTION = 31;
const SAVEPOINT = 32;

/** Actions that name an object first. */
const DDL: ReadonlySet<number> = new Set([
  CREATE_INDEX,
  CREATE_TABLE,
  CREATE_TRIGGER,
  CREATE_VIEW,
  DROP_INDEX,
  DROP_TABLE,
  DROP_TRIGGER,
  DROP_VIEW,
  CREATE_VTABLE,
  DROP_VTABLE,
]);

/**
 * PRAGMAs that would take the transactions apart from those of the source, or change how the file is laid out. Setting
 * them does nothing.
 */
const FIXED: ReadonlySet<string> = new Set([
  "auto_vacuum",
  "journal_mode",
  "locking_mode",
  "page_size",
  "temp_store",
  "temp_store_directory",
]);
const OF_SQLITE = /^sqlite_/i;
const OF_HEADER: ReadonlySet<string> = new Set(["user_version", "application_id"]);

/** Of a statement on an instance that cannot write. */
export const NO_EFFECTS: StatementEffects = {
  writes: false,
  targets: new Set(),
  inserts: new Set(),
  deletes: new Set(),
  sets: new Map(),
  replaces: false,
  touches: new Set(),
  ddl: false,
  createsFromQuery: undefined,
  setsHeader: false,
  savepoint: undefined,
};

class Effects implements StatementEffects {
  writes = false;
  ddl = false;
  readonly targets = new Set<string>();
  readonly inserts = new Set<string>();
  readonly deletes = new Set<string>();
  readonly sets = new Map<string, Set<string>>();
  replaces = false;
  readonly touches = new Set<string>();
  setsHeader = false;
  savepoint: StatementEffects["savepoint"];
  created: string | undefined;
  queries = false;

  get createsFromQuery(): string | undefined {
    return this.queries ? this.created : undefined;
  }
}

/** Listens to what SQLite asks permission for while it compiles, and refuses what does not fit a source. */
export class EffectsListener {
  readonly #engine: Engine;
  #effects: Effects | undefined;

  /** Begins with a database. There is one listener for each. */
  constructor(engine: Engine, db: number) {
    this.#engine = engine;
    const run = (_: number, action: number, first: number, second: number, database: number, inner: number) =>
      this.#onAction(action, first, second, database, inner);
    const { onAction = 0 } = engine.install({ onAction: { type: "i(iiiiii)", run } });
    engine.sqlite.sqlite3_set_authorizer(db, onAction, 0);
  }

  /** What a statement does that `compile` compiles. @param textOf the statement, once it is compiled */
  async during<T>(
    compile: () => Promise<T>,
    textOf: (compiled: T) => string,
  ): Promise<{ readonly compiled: T; readonly effects: StatementEffects }> {
    const effects = new Effects();
    this.#effects = effects;
    try {
      const compiled = await compile();
      effects.replaces = effects.writes && /\breplace\b/i.test(textOf(compiled));
      return { compiled, effects };
    } finally {
      this.#effects = undefined;
    }
  }

  #onAction(action: number, first: number, second: number, database: number, inner: number): number {
    if (action === READ || action === FUNCTION) return SQLITE_OK;
    const { heap } = this.#engine;
    const text = (pointer: number): string => heap.cString(pointer) ?? "";
    if (action === PRAGMA) return this.#onPragma(text(first).toLowerCase(), second !== 0);
    const effects = this.#effects;
    if (effects === undefined) return SQLITE_OK;
    if (action === SELECT) effects.queries ||= inner === 0;
    else if (action === SAVEPOINT) {
      const operation = text(first);
      if (operation === "BEGIN" || operation === "RELEASE" || operation === "ROLLBACK") {
        effects.savepoint = { operation, name: text(second) };
      }
    } else if (action === TRANSACTION) {
      // Whether it takes a lock at once only the compiled statement tells: one that does not is read-only.
      effects.writes ||= text(first) === "BEGIN";
    } else if (action === ALTER_TABLE) {
      if (text(first) === "main") this.#changesSchema(effects, text(second));
    } else if (text(database) === "main") {
      this.#onChange(effects, action, text(first), { column: text(second), direct: inner === 0 });
    }
    return SQLITE_OK;
  }

  #onChange(
    effects: Effects,
    action: number,
    name: string,
    { column, direct }: { readonly column: string; readonly direct: boolean },
  ): void {
    if (DDL.has(action)) {
      if (action === CREATE_TABLE) effects.created = name;
      this.#changesSchema(effects, name);
    } else if (action === INSERT || action === UPDATE || action === DELETE) {
      effects.writes = true;
      if (OF_SQLITE.test(name)) return;
      effects.touches.add(name);
      if (action === DELETE) effects.deletes.add(name);
      if (!direct) return;
      effects.targets.add(name);
      if (action === INSERT) effects.inserts.add(name);
      if (action !== UPDATE) return;
      const columns = effects.sets.get(name) ?? new Set();
      effects.sets.set(name, columns.add(column));
    } else if (action === REINDEX || action === ANALYZE) effects.writes = true;
  }

  #changesSchema(effects: Effects, name: string): void {
    effects.writes = true;
    // Such as the tables of ANALYZE, and the indexes that keys come with.
    if (OF_SQLITE.test(name)) return;
    effects.ddl = true;
    effects.touches.add(name);
  }

  #onPragma(name: string, hasValue: boolean): number {
    if (hasValue && FIXED.has(name)) return SQLITE_IGNORE;
    if (hasValue && OF_HEADER.has(name) && this.#effects !== undefined) {
      this.#effects.writes = true;
      this.#effects.setsHeader = true;
    }
    return SQLITE_OK;
  }
}
