import type { Engine } from "./engine.ts";
import { assembleModule, leb, sleb } from "./wasm-assembler.ts";

/** How much of SQLite's connection structure is searched for where it keeps its hook. */
const SEARCHED_BYTES = 2048;
const MARK = 0x5a17_0c3b;
const SQLITE_INSERT = 18;
/** What SQLite says of the old value of a virtual column: it is stored nowhere. */
const SQLITE_RANGE = 25;
/** Locals of the hook, behind its seven parameters. */
const COLUMN = 7;
const RESULT = 8;
const TYPE = "v(iiiiijj)";

// WebAssembly Core Specification, "Instructions".
const get = (local: number) => [0x20, local];
const constant = (value: number) => [0x41, ...sleb(value)];
const call = (index: number) => [0x10, ...leb(index)];
const IF = [0x04, 0x40];
const END = [0x0b];
const RETURN = [0x0f];
const NE = [0x47];
const GE_S = [0x4e];
const EQZ = [0x45];
const ADD = [0x6a];
const BLOCK = [0x02, 0x40];
const LOOP = [0x03, 0x40];
const branch = (depth: number) => [0x0c, depth];
const branchIf = (depth: number) => [0x0d, depth];
const set = (local: number) => [0x21, local];
const tee = (local: number) => [0x22, local];
const LOAD_I32 = [0x28, 2, 0];
const STORE_I32 = [0x36, 2, 0];

/** Told of a row that is about to change: its operation, the name of its table, and its row ids before and after. */
export type Note = (operation: number, table: number, before: bigint, after: bigint) => void;

/**
 * Stands between SQLite and the sessions that record what happens to rows. A session takes a row's old values to be
 * absent when they cannot be read; here they are read first, and a change whose old values are not there is not shown to
 * the session, nor is any behind it: the statement fails for want of the page anyway, and is undone.
 *
 * SQLite calls one function only, and the session extension sets its own whenever a session is made or deleted: call
 * `renew` then.
 */
export class PreupdateHook {
  readonly #engine: Engine;
  readonly #db: number;
  readonly #note: Note;
  /** In memory: whether `note` is called. */
  readonly #noting: number;
  /** In memory: whether the statement that runs made a change that was not shown. */
  readonly #blind: number;
  /** Where SQLite keeps the function it calls. */
  readonly #slot: number;
  #pointer = 0;

  constructor(engine: Engine, db: number, note: Note) {
    this.#engine = engine;
    this.#db = db;
    this.#note = note;
    this.#noting = engine.sqlite.malloc(8);
    this.#blind = this.#noting + 4;
    this.begin(false);
    this.#slot = findSlot(engine, db);
  }

  /** @param session the one made last, with which the list of them begins */
  renew(session: number): void {
    const { sqlite, heap } = this.#engine;
    if (this.#pointer === 0) this.#pointer = this.#link(heap.getPointer(this.#slot));
    sqlite.sqlite3_preupdate_hook(this.#db, this.#pointer, session);
  }

  /** A statement begins. @param noting whether `note` is called before each change of a row */
  begin(noting: boolean): void {
    this.#engine.heap.setInt32(this.#noting, noting ? 1 : 0);
    this.#engine.heap.setInt32(this.#blind, 0);
  }

  #link(ofSessions: number): number {
    const { sqlite, heap } = this.#engine;
    const out = sqlite.malloc(4);
    const table = sqlite.__indirect_function_table;
    /** Reads the old value of a column; leaves the hook if it cannot be read, and the result in a local. */
    const read = [
      ...[...get(1), ...get(COLUMN), ...constant(out), ...call(1), ...tee(RESULT), ...IF],
      ...[...get(RESULT), ...constant(SQLITE_RANGE), ...NE, ...IF],
      ...[...constant(this.#blind), ...constant(1), ...STORE_I32, ...RETURN, ...END],
      ...END,
    ];
    const bytes = assembleModule({
      imports: [
        { name: "record", type: TYPE },
        { name: "old", type: "i(iii)" },
        { name: "count", type: "i(i)" },
        { name: "note", type: "v(iijj)" },
      ],
      memory: true,
      functions: [
        {
          name: "hook",
          type: TYPE,
          locals: 2,
          code: [
            ...[...constant(this.#blind), ...LOAD_I32, ...IF, ...RETURN, ...END],
            ...[...get(2), ...constant(SQLITE_INSERT), ...NE, ...IF],
            ...[...constant(0), ...set(COLUMN), ...read],
            // The first column can be the row id, which is known without reading the row.
            ...[...constant(1), ...set(COLUMN), ...BLOCK, ...LOOP],
            ...[...get(COLUMN), ...get(1), ...call(2), ...GE_S, ...branchIf(1)],
            ...[...read, ...get(RESULT), ...EQZ, ...branchIf(1)],
            ...[...get(COLUMN), ...constant(1), ...ADD, ...set(COLUMN), ...branch(0)],
            ...[...END, ...END],
            ...END,
            ...[...constant(this.#noting), ...LOAD_I32, ...IF],
            ...[...get(2), ...get(4), ...get(5), ...get(6), ...call(3), ...END],
            ...[0, 1, 2, 3, 4, 5, 6].flatMap(get),
            ...call(0),
          ],
        },
      ],
      reexport: false,
    });
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(bytes), {
      e: {
        memory: heap.memory,
        note: this.#note,
        record: table.get(ofSessions),
        old: sqlite.sqlite3_preupdate_old as WebAssembly.ImportValue,
        count: sqlite.sqlite3_preupdate_count as WebAssembly.ImportValue,
      },
    });
    const index = table.grow(1);
    table.set(index, exports["hook"]);
    return index;
  }
}

function findSlot({ sqlite, heap }: Engine, db: number): number {
  sqlite.sqlite3_preupdate_hook(db, MARK, 0);
  const slots: number[] = [];
  for (let at = db; at < db + SEARCHED_BYTES; at += 4) if (heap.getPointer(at) === MARK) slots.push(at);
  sqlite.sqlite3_preupdate_hook(db, 0, 0);
  const [slot] = slots;
  if (slot === undefined || slots.length > 1 || heap.getPointer(slot) !== 0) {
    throw new Error(`BUG: this build of SQLite keeps its preupdate hook in ${slots.length} places`);
  }
  return slot;
}
