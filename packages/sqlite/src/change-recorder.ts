import type { CapturedItem, CapturedRow, CapturedTransaction } from "./captured-transaction.ts";
import { ChangeSession } from "./change-session.ts";
import { encodeChangeset, SQLITE_INSERT, updatedRows } from "./changeset.ts";
import type { Engine } from "./engine.ts";
import { NullKeys } from "./null-keys.ts";
import type { SqlValue } from "./parameters.ts";
import {
  type Ask,
  lowerCase,
  quoteName,
  quoteText,
  rowsById,
  rowsByKey,
  type SchemaFacts,
  type TableFacts,
} from "./schema-facts.ts";
import { type Placing, placingOf, SessionCuts } from "./session-cuts.ts";
import { sqlErrorOf } from "./sql-error.ts";
import { skipBlank } from "./sql-text.ts";
import type { StatementEffects } from "./statement-effects.ts";

/** Tables that are kept for the sake of a replica, by SQLite or by those it shares the database with. */
const BOOKKEEPING =
  /^(?:sqlite_|__turso_internal_|(?:turso_cdc|turso_cdc_version|turso_sync_last_change_id)$)/i;

const DBCONFIG_ENABLE_FKEY = 1002;

/** A schema change that was run and not looked at yet. */
interface PendingDdl {
  readonly sql: string;
  readonly cookieBefore: bigint;
  /** The table that was made to hold the rows of a query. */
  readonly filled: string | undefined;
}

/** What recording a statement takes. */
interface RecordingPlan {
  readonly placing: Placing;
  /** Tables it changes whose rows may have a NULL in their key. */
  readonly nullable: readonly TableFacts[];
}

export interface RecorderOptions {
  /** Makes a call into SQLite that may have to wait. */
  readonly call: (run: () => number | Promise<number>) => Promise<number>;
  readonly ask: Ask;
}

/**
 * Records what a transaction does: rows by sessions, cut where the order matters; the rest as statements.
 *
 * A session compares what rows were with what they are when its changeset is asked for. What a rolled back savepoint did
 * it therefore leaves out by itself; for everything else there is a cut at the savepoint, and what comes behind it goes.
 */
export class ChangeRecorder {
  readonly #engine: Engine;
  readonly #db: number;
  readonly #session: ChangeSession;
  readonly #facts: SchemaFacts;
  readonly #nullKeys: NullKeys;
  readonly #cuts = new SessionCuts();
  /** What was made of statements, which are compiled anew when the schema changes. */
  readonly #plans = new WeakMap<StatementEffects, RecordingPlan>();
  readonly #options: RecorderOptions;
  #items: CapturedItem[] = [];
  /** The schema's number before the schema change that runs. */
  #cookie = 0n;
  #pending: PendingDdl | undefined;
  /** Open savepoints, the innermost last, and how many items there were before each. */
  #savepoints: { readonly name: string; readonly items: number }[] = [];

  constructor(engine: Engine, db: number, facts: SchemaFacts, options: RecorderOptions) {
    this.#engine = engine;
    this.#db = db;
    this.#options = options;
    this.#facts = facts;
    const wants = (table: string) => !BOOKKEEPING.test(table) && this.#facts.kindOf(table) !== "shadow";
    this.#nullKeys = new NullKeys(engine, db);
    this.#session = new ChangeSession(engine, db, wants, (...row) => this.#nullKeys.note(...row));
  }

  /**
   * To be called before a statement runs, and again if it has to be run again. May have to wait for pages.
   */
  async before(effects: StatementEffects): Promise<void> {
    if (!effects.writes && effects.savepoint === undefined) return;
    if (this.#pending !== undefined) await this.#settleDdl();
    if (effects.savepoint !== undefined) {
      if (effects.savepoint.operation === "BEGIN") await this.#cut();
      return;
    }
    if (effects.touches.size === 0 && !effects.setsHeader) return;
    if (!this.#facts.isLoaded) await this.#facts.load();
    if (effects.ddl || this.#isReplayed(effects)) {
      await this.#cut();
      if (effects.ddl) this.#cookie = await this.#askCookie();
    } else {
      const { placing, nullable } = this.#plans.get(effects) ?? (await this.#plan(effects));
      if (this.#cuts.separates(placing)) await this.#cut();
      this.#cuts.add(placing);
      for (const table of nullable) this.#nullKeys.watch(table);
      this.#session.start(this.#nullKeys.watching);
    }
  }

  async #plan(effects: StatementEffects): Promise<RecordingPlan> {
    const tables: TableFacts[] = [];
    for (const name of effects.touches) {
      if (this.#facts.kindOf(name) !== "table" || BOOKKEEPING.test(name)) continue;
      tables.push(await this.#facts.table(name));
    }
    const replaces = effects.inserts.size > 0 && (await this.#facts.replaces());
    const nullable = tables.filter(({ nullableKey }) => nullableKey);
    const plan = { placing: placingOf(effects, tables, replaces), nullable };
    this.#plans.set(effects, plan);
    return plan;
  }

  /** To be called after a statement succeeded. Never waits. */
  after(effects: StatementEffects, sql: () => string, parameters: readonly SqlValue[]): void {
    const { savepoint } = effects;
    if (savepoint !== undefined) this.#onSavepoint(savepoint.operation, lowerCase(savepoint.name));
    else if (effects.ddl) {
      const [object = ""] = effects.touches;
      if (!BOOKKEEPING.test(object)) {
        this.#pending = { sql: trimmed(sql()), cookieBefore: this.#cookie, filled: effects.createsFromQuery };
      }
    } else if (this.#isReplayed(effects))
      this.#items.push({ kind: "statement", sql: trimmed(sql()), parameters: [...parameters] });
  }

  /** What the transaction did that SQLite has just committed; `undefined` for nothing. May have to wait for pages. */
  async finish(): Promise<CapturedTransaction | undefined> {
    await this.#settleDdl();
    await this.#cut();
    if (this.#items.length === 0) return undefined;
    return { items: this.#items, foreignKeys: this.#enforcesForeignKeys() };
  }

  /** The transaction is over. */
  reset(): void {
    this.#stop();
    this.#items = [];
    this.#savepoints = [];
    this.#pending = undefined;
  }

  close(): void {
    this.#session.close();
  }

  /** Its effects come from triggers or a module, and not from the rows it changes. */
  #isReplayed({ targets, setsHeader }: StatementEffects): boolean {
    if (setsHeader) return true;
    for (const target of targets) {
      const kind = this.#facts.kindOf(target);
      if (kind === "view" || kind === "virtual") return true;
    }
    return false;
  }

  #onSavepoint(operation: "BEGIN" | "RELEASE" | "ROLLBACK", name: string): void {
    if (operation === "BEGIN") {
      this.#savepoints.push({ name, items: this.#items.length });
      return;
    }
    const at = this.#savepoints.findLastIndex((savepoint) => savepoint.name === name);
    const savepoint = this.#savepoints[at];
    if (savepoint === undefined) return;
    if (operation === "RELEASE") {
      this.#savepoints.length = at;
      return;
    }
    this.#savepoints.length = at + 1;
    this.#items.length = savepoint.items;
    this.#stop();
    this.#pending = undefined;
  }

  /** Puts what the session recorded among the items. */
  async #cut(): Promise<void> {
    const items: CapturedItem[] = [];
    if (!this.#session.empty) {
      const bytes = await this.#session.changeset(this.#options.call);
      if (typeof bytes === "number") throw sqlErrorOf(this.#engine, this.#db, bytes);
      if (bytes.length > 0) items.push(await this.#changeset(bytes, await this.#updatedRows(bytes)));
    }
    if (!this.#nullKeys.empty) {
      const changesets = await this.#nullKeys.changesets(this.#options.ask);
      for (const bytes of changesets) items.push(await this.#changeset(bytes, []));
    }
    this.#items.push(...items);
    this.#stop();
  }

  #stop(): void {
    this.#session.stop();
    this.#nullKeys.reset();
    this.#cuts.reset();
  }

  async #changeset(bytes: Uint8Array, rows: readonly CapturedRow[]): Promise<CapturedItem> {
    return { kind: "changeset", bytes, schema: await this.#facts.sql(), rows };
  }

  /** The rows of tables without a key that were updated, and those that were put in the place of others. */
  async #updatedRows(changeset: Uint8Array): Promise<CapturedRow[]> {
    const rows: CapturedRow[] = [];
    const { ask } = this.#options;
    for (const [name, updated] of updatedRows(changeset)) {
      if (updated.length === 0) continue;
      const table = await this.#facts.table(name);
      if (table.keyless) {
        const rowids = updated.map(({ key }) => key[0] as bigint);
        for (const [rowid, ...values] of await rowsById(ask, table, rowids)) {
          rows.push({ table: name, rowid: rowid as bigint, values });
        }
      } else if (this.#cuts.puts) {
        const keys = updated.flatMap(({ indirect, key }) => (indirect ? [] : [key]));
        for (const values of await rowsByKey(ask, table, keys)) {
          rows.push({ table: name, rowid: undefined, values });
        }
      }
    }
    return rows;
  }

  /** Looks at what the last schema change did. */
  async #settleDdl(): Promise<void> {
    const pending = this.#pending;
    if (pending === undefined) return;
    const items: CapturedItem[] = [];
    if ((await this.#askCookie()) !== pending.cookieBefore) {
      if (pending.filled === undefined) items.push({ kind: "ddl", sql: pending.sql });
      else items.push(...(await this.#filledTable(pending.filled)));
    }
    this.#items.push(...items);
    this.#pending = undefined;
  }

  /** SQLite does not tell a session of the rows that a query gave to a new table. */
  async #filledTable(name: string): Promise<CapturedItem[]> {
    const { ask } = this.#options;
    const [created] = await ask(
      `SELECT name, sql FROM main.sqlite_schema WHERE type = 'table' AND name = ${quoteText(name)} COLLATE NOCASE`,
    );
    if (created === undefined) return [];
    const [stored, sql] = created;
    const table = await this.#facts.table(String(stored));
    const items: CapturedItem[] = [{ kind: "ddl", sql: String(sql) }];
    const found = await ask(`SELECT _rowid_, * FROM main.${quoteName(table.name)}`);
    if (found.length > 0) {
      const rows = found.map((values) => ({ operation: SQLITE_INSERT, indirect: false, values }) as const);
      const bytes = encodeChangeset({ name: table.name, keys: [1, ...table.keys] }, rows);
      items.push(await this.#changeset(bytes, []));
    }
    return items;
  }

  async #askCookie(): Promise<bigint> {
    const [[cookie] = []] = await this.#options.ask("PRAGMA main.schema_version");
    return cookie as bigint;
  }

  #enforcesForeignKeys(): boolean {
    const { sqlite, heap } = this.#engine;
    const out = sqlite.malloc(4);
    sqlite.sqlite3__wasm_db_config_ip(this.#db, DBCONFIG_ENABLE_FKEY, -1, out);
    const on = heap.getPointer(out) === 1;
    sqlite.free(out);
    return on;
  }
}

/** A statement without what separates it from others. */
function trimmed(sql: string): string {
  return sql.slice(skipBlank(sql, 0)).replace(/[\s;]+$/, "");
}
