import { LacunaError } from "@lacuna/page";
import type { Engine } from "./engine.ts";
import { SQLITE_OK } from "./result-code.ts";
import { sqlErrorOf } from "./sql-error.ts";
import { skipBlank } from "./sql-text.ts";

const PREPARE_PERSISTENT = 1;

/** Makes statements out of SQL text, for one instance. */
export class SqlCompiler {
  readonly #engine: Engine;
  readonly #call: (run: () => number | Promise<number>) => Promise<number>;
  /** Where SQLite puts the statement, and where in the text it ends. */
  readonly #out: number;

  /** @param call makes a call into SQLite that may have to wait */
  constructor(engine: Engine, call: (run: () => number | Promise<number>) => Promise<number>) {
    this.#engine = engine;
    this.#call = call;
    this.#out = engine.sqlite.malloc(8);
  }

  /**
   * @returns the statement, for the caller to finalize
   * @throws {LacunaError} `INVALID_OPTION` unless there is exactly one statement; `SqlError`
   */
  compile(db: number, sql: string): Promise<number> {
    return this.withText(sql, async (start, end) => {
      const { pointer, tail } = await this.prepare(db, start, end, sql);
      if (pointer === 0)
        throw new LacunaError("INVALID_OPTION", "expected a statement, found none in the SQL text");
      const rest = this.#engine.heap.cString(tail) ?? "";
      const next = rest.slice(skipBlank(rest, 0));
      if (next === "") return pointer;
      this.#engine.sqlite.sqlite3_finalize(pointer);
      const found = next.slice(0, 40);
      throw new LacunaError(
        "INVALID_OPTION",
        `expected one statement, found another: "${found}"; exec() runs several`,
      );
    });
  }

  /**
   * Compiles the first statement of a text in memory.
   * @param sql the text, if the statement is worth keeping and an error should say where it is
   * @returns the statement, 0 if there is none, and where the text goes on
   */
  async prepare(
    db: number,
    start: number,
    end: number,
    sql?: string,
  ): Promise<{ readonly pointer: number; readonly tail: number }> {
    const { heap, waiting } = this.#engine;
    const out = this.#out;
    const flags = sql === undefined ? 0 : PREPARE_PERSISTENT;
    const result = await this.#call(() => waiting.prepare(db, start, end - start + 1, flags, out, out + 4));
    if (result !== SQLITE_OK) throw sqlErrorOf(this.#engine, db, result, sql);
    return { pointer: heap.getPointer(out), tail: heap.getPointer(out + 4) };
  }

  /** Puts SQL into memory for as long as `work` takes, with a zero byte at `end`. */
  async withText<T>(sql: string, work: (start: number, end: number) => Promise<T>): Promise<T> {
    if (sql.includes("\0")) {
      throw new LacunaError("INVALID_OPTION", "SQL text must not contain the character U+0000");
    }
    const { sqlite, heap } = this.#engine;
    const capacity = sql.length * 3;
    const start = sqlite.malloc(capacity + 1) >>> 0;
    if (start === 0)
      throw new LacunaError("INVALID_OPTION", `SQL text of ${sql.length} characters is too long`);
    try {
      const end = start + (heap.writeText(sql, start, capacity) ?? 0);
      heap.bytes[end] = 0;
      return await work(start, end);
    } finally {
      sqlite.free(start);
    }
  }
}
