import { SQLITE_DONE, SQLITE_ROW } from "./result-code.ts";
import type { SqliteExports } from "./sqlite-exports.ts";
import { assembleModule, sleb } from "./wasm-assembler.ts";

/**
 * Runs a statement to its end between a savepoint and its release. Runs in WebAssembly from one end to the other: where
 * SQLite can be suspended, three statements cost one promise and not three. Rows are not looked at.
 *
 * @returns `GUARD_RELEASED` if all went well; else the result of the statement, with the savepoint still open, also if the
 *   statement succeeded and lacks a page; or, below 0, the negative result of the savepoint or its release
 */
export type GuardedStep = (statement: number, savepoint: number, release: number) => number;

/** The statement succeeded, and nothing of the guard is left. */
export const GUARD_RELEASED = 0;

// Parameters and the local of the function, by index.
const STATEMENT = 0;
const SAVEPOINT = 1;
const RELEASE = 2;
const RESULT = 3;

// WebAssembly Core Specification, "Instructions".
const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const tee = (local: number) => [0x22, local];
const constant = (value: number) => [0x41, ...sleb(value)];
const LOOP = [0x03, 0x40];
const IF = [0x04, 0x40];
const END = [0x0b];
const branchIf = (depth: number) => [0x0d, depth];
const RETURN = [0x0f];
const DROP = [0x1a];
const EQ = [0x46];
const NE = [0x47];
const SUB = [0x6b];
const STEP = [0x10, 0];
const RESET = [0x10, 1];
const LACKS_PAGE = [0x10, 2];

/** Runs one of the statements of the guard; leaves the function if it fails. */
const mark = (statement: number) => [
  ...[...get(statement), ...STEP, ...set(RESULT), ...get(statement), ...RESET, ...DROP],
  ...[...get(RESULT), ...constant(SQLITE_DONE), ...NE],
  ...[...IF, ...constant(0), ...get(RESULT), ...SUB, ...RETURN, ...END],
];

const GUARDED_STEP = [
  ...mark(SAVEPOINT),
  ...[
    ...LOOP,
    ...get(STATEMENT),
    ...STEP,
    ...tee(RESULT),
    ...constant(SQLITE_ROW),
    ...EQ,
    ...branchIf(0),
    ...END,
  ],
  ...[...get(RESULT), ...constant(SQLITE_DONE), ...NE, ...IF, ...get(RESULT), ...RETURN, ...END],
  ...[...LACKS_PAGE, ...IF, ...get(RESULT), ...RETURN, ...END],
  ...[...get(STATEMENT), ...RESET, ...DROP],
  ...mark(RELEASE),
  ...constant(GUARD_RELEASED),
];

let compiled: WebAssembly.Module | undefined;

/** Links it to one instance of SQLite. @param lacksPage whether the statement that runs did without a page */
export function linkGuardedStep(sqlite: SqliteExports, lacksPage: () => boolean): GuardedStep {
  compiled ??= new WebAssembly.Module(
    assembleModule({
      imports: [
        { name: "step", type: "i(i)" },
        { name: "reset", type: "i(i)" },
        { name: "lacksPage", type: "i()" },
      ],
      memory: false,
      functions: [{ name: "guardedStep", type: "i(iii)", locals: 1, code: GUARDED_STEP }],
      reexport: false,
    }),
  );
  const { exports } = new WebAssembly.Instance(compiled, {
    e: { step: sqlite.sqlite3_step, reset: sqlite.sqlite3_reset, lacksPage: () => (lacksPage() ? 1 : 0) },
  });
  return exports["guardedStep"] as GuardedStep;
}
