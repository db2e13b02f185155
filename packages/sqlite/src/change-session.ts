import type { Engine } from "./engine.ts";
import { type Note, PreupdateHook } from "./preupdate-hook.ts";
import { SQLITE_OK } from "./result-code.ts";

const OBJCONFIG_ROWID = 2;

/** Records what happens to the rows of one database, by the session extension of SQLite. */
export class ChangeSession {
  readonly #engine: Engine;
  readonly #db: number;
  readonly #hook: PreupdateHook;
  readonly #main: number;
  readonly #out: number;
  readonly #filter: number;
  /**
   * A session that records nothing. While there is one, SQLite compiles statements so that every row that they change is
   * told.
   */
  readonly #anchor: number;
  #session = 0;

  /**
   * @param wants whether rows of a table are recorded
   * @param note is called before each change of a row, while `noting`
   */
  constructor(engine: Engine, db: number, wants: (table: string) => boolean, note: Note) {
    const { sqlite, heap } = engine;
    this.#engine = engine;
    this.#db = db;
    this.#out = sqlite.malloc(8);
    this.#main = sqlite.malloc(5);
    heap.writeText("main\0", this.#main, 5);
    const run = (_: number, name: number): number => (wants(heap.cString(name) ?? "") ? 1 : 0);
    this.#filter = engine.install({ filter: { type: "i(ii)", run } })["filter"] ?? 0;
    this.#hook = new PreupdateHook(engine, db, note);
    this.#anchor = this.#create();
    sqlite.sqlite3session_enable(this.#anchor, 0);
  }

  /** Records the statement that begins now, and again if it has to be run again. @param noting whether `note` is called */
  start(noting: boolean): void {
    this.#hook.begin(noting);
    if (this.#session !== 0) return;
    const { sqlite, heap } = this.#engine;
    this.#session = this.#create();
    heap.setInt32(this.#out, 1);
    sqlite.sqlite3session_object_config(this.#session, OBJCONFIG_ROWID, this.#out);
    sqlite.sqlite3session_table_filter(this.#session, this.#filter, 0);
    sqlite.sqlite3session_attach(this.#session, 0);
  }

  /** True if nothing has been recorded since `start`. */
  get empty(): boolean {
    return this.#session === 0 || this.#engine.sqlite.sqlite3session_isempty(this.#session) !== 0;
  }

  /**
   * What was recorded, net.
   * @param call makes a call into SQLite that may have to wait
   * @returns a result code if it failed
   */
  async changeset(
    call: (run: () => number | Promise<number>) => Promise<number>,
  ): Promise<Uint8Array | number> {
    const { sqlite, heap, waiting } = this.#engine;
    const out = this.#out;
    const result = await call(() => waiting.changeset(this.#session, out, out + 4));
    if (result !== SQLITE_OK) return result;
    const length = heap.getPointer(out);
    const start = heap.getPointer(out + 4);
    const bytes = heap.bytes.slice(start, start + length);
    sqlite.sqlite3_free(start);
    return bytes;
  }

  /** Forgets what was recorded and records nothing more. */
  stop(): void {
    this.#hook.begin(false);
    if (this.#session === 0) return;
    this.#engine.sqlite.sqlite3session_delete(this.#session);
    this.#session = 0;
    this.#hook.renew(this.#anchor);
  }

  /** Before the database is closed. */
  close(): void {
    this.stop();
    this.#engine.sqlite.sqlite3session_delete(this.#anchor);
  }

  #create(): number {
    const { sqlite, heap } = this.#engine;
    const result = sqlite.sqlite3session_create(this.#db, this.#main, this.#out);
    if (result !== SQLITE_OK) throw new Error(`BUG: SQLite made no session, result ${result}`);
    const session = heap.getPointer(this.#out);
    this.#hook.renew(session);
    return session;
  }
}
