import { CompiledStatement } from "./compiled-statement.ts";
import type { Engine } from "./engine.ts";
import type { StatementEffects } from "./statement-effects.ts";

/** Idle statements kept compiled by one instance. */
const KEPT_STATEMENTS = 64;

/** The compiled statements of one instance: several of the same text when they run at the same time. */
export class StatementCache {
  readonly #engine: Engine;
  /** Idle ones, the longest idle first. */
  readonly #idle = new Set<CompiledStatement>();

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** Lends an idle statement of this text. */
  take(sql: string): CompiledStatement | undefined {
    for (const statement of this.#idle) {
      if (statement.sql !== sql) continue;
      this.#idle.delete(statement);
      return statement;
    }
    return undefined;
  }

  /** Lends a statement that was just compiled. */
  add(sql: string, pointer: number, effects: StatementEffects): CompiledStatement {
    return new CompiledStatement(this.#engine, sql, pointer, effects);
  }

  /** Takes a statement back, reset and without values. */
  giveBack(statement: CompiledStatement): void {
    const { sqlite } = this.#engine;
    sqlite.sqlite3_reset(statement.pointer);
    sqlite.sqlite3_clear_bindings(statement.pointer);
    this.#idle.add(statement);
    if (this.#idle.size <= KEPT_STATEMENTS) return;
    for (const oldest of this.#idle) {
      this.#idle.delete(oldest);
      sqlite.sqlite3_finalize(oldest.pointer);
      return;
    }
  }

  /** Finalizes every idle statement. */
  clear(): void {
    for (const statement of this.#idle) this.#engine.sqlite.sqlite3_finalize(statement.pointer);
    this.#idle.clear();
  }
}
