import { ChangeRecorder, type RecorderOptions } from "./change-recorder.ts";
import type { Writing } from "./connection-setup.ts";
import type { Engine } from "./engine.ts";
import type { SqlValue } from "./parameters.ts";
import { SchemaFacts } from "./schema-facts.ts";
import { substituteFor } from "./sql-text.ts";
import { EffectsListener, type StatementEffects } from "./statement-effects.ts";

export interface WriteWatchOptions extends RecorderOptions, Pick<Writing, "capture" | "onCommit"> {
  /** Whether a page was missing while the statement that runs was running. */
  readonly lacksPage: () => boolean;
}

/** Follows what the statements of an instance that may write do, from their compilation to the commit. */
export class WriteWatch {
  readonly #options: WriteWatchOptions;
  readonly #listener: EffectsListener;
  readonly #recorder: ChangeRecorder | undefined;
  readonly #facts: SchemaFacts;
  #schemaKey = "";
  /** Tables the open transaction may have changed. */
  #touched = new Set<string>();
  /** The statement that runs is a transaction by itself. */
  #autocommits = false;
  #refuses = false;

  /** Begins with a database. */
  constructor(engine: Engine, db: number, options: WriteWatchOptions) {
    this.#options = options;
    // What lacks a page is not committed, also where SQLite goes on as if the page did not matter.
    const run = (): number => (this.#refuses || (this.#autocommits && this.#options.lacksPage()) ? 1 : 0);
    const { onCommit = 0 } = engine.install({ onCommit: { type: "i(i)", run } });
    engine.sqlite.sqlite3_commit_hook(db, onCommit, 0);
    this.#listener = new EffectsListener(engine, db);
    this.#facts = new SchemaFacts(options.ask);
    if (options.capture !== undefined) this.#recorder = new ChangeRecorder(engine, db, this.#facts, options);
  }

  /** The text to compile in place of another. */
  textOf(sql: string): string {
    return substituteFor(sql) ?? sql;
  }

  /** What a statement does that `compile` compiles. @param textOf the statement, once it is compiled */
  during<T>(
    compile: () => Promise<T>,
    textOf: (compiled: T) => string,
  ): Promise<{ readonly compiled: T; readonly effects: StatementEffects }> {
    return this.#listener.during(compile, textOf);
  }

  /** Whether the schema may be another one than at the last call. */
  isOtherSchema(key: string): boolean {
    const other = key !== this.#schemaKey;
    this.#schemaKey = key;
    return other;
  }

  forgetSchema(): void {
    this.#facts.forget();
  }

  /** To be called before a statement runs, and again if it has to be run again. May have to wait for pages. */
  async before(effects: StatementEffects, inTransaction: boolean): Promise<void> {
    this.#autocommits = !inTransaction;
    if (effects.touches.size > 0 && !effects.ddl && !this.#facts.isLoaded) await this.#facts.load();
    await this.#recorder?.before(effects);
  }

  /** Whether a statement changes virtual tables, which may write only later. After `before`. */
  buffers({ touches, ddl }: StatementEffects): boolean {
    if (ddl) return false;
    for (const name of touches) if (this.#facts.kindOf(name) === "virtual") return true;
    return false;
  }

  /** Whether SQLite is to roll back where it would commit. */
  refuseCommit(on: boolean): void {
    this.#refuses = on;
  }

  /** To be called after a statement succeeded. */
  after(effects: StatementEffects, sql: () => string, parameters: readonly SqlValue[]): void {
    for (const table of effects.touches) this.#touched.add(table);
    this.#recorder?.after(effects, sql, parameters);
  }

  /** What SQLite has just committed, in the words of the option `capture`. May have to wait for pages. */
  async describe(): Promise<Uint8Array | undefined> {
    const transaction = await this.#recorder?.finish();
    return transaction === undefined ? undefined : this.#options.capture?.(transaction);
  }

  /** The transaction is over, or was none. @param happened it was committed, here and at the source */
  end(happened: boolean): void {
    const tables = [...this.#touched];
    this.#touched.clear();
    this.#recorder?.reset();
    if (happened && tables.length > 0) this.#options.onCommit?.({ tables });
  }

  close(): void {
    this.#recorder?.close();
  }
}
