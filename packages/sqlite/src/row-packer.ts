import type { SqliteExports } from "./sqlite-exports.ts";
import { assembleModule, leb, sleb } from "./wasm-assembler.ts";

/** `packRows` stands on a row that is too long for the buffer; it is not in it. Read it from the statement. */
export const ROW_TOO_LONG = 1000;

/** Bytes at the start of the buffer before the first cell: the number of rows as an i32, and padding. */
export const PACKED_HEADER_BYTES = 8;

/**
 * Steps a statement and packs its rows into memory until the buffer is full, `maxRows` are packed, or the statement
 * ends. Runs in WebAssembly from one end to the other, so that a batch of rows, and not each row, costs a crossing into
 * JavaScript (and, where SQLite can be suspended, a promise).
 *
 * Each cell starts on 8 bytes: an i32 type as SQLite numbers them, then an i32 that holds the byte length of a TEXT or
 * BLOB, or the value of an INTEGER. TEXT and BLOB continue with their bytes, padded to 8; an INTEGER outside 32 bits has
 * type `WIDE_INTEGER` and continues with an i64; a FLOAT continues with an f64.
 *
 * @param columns how many columns to pack at most; 0 only counts rows
 * @param start of the buffer, on 8 bytes
 * @param end of the buffer, exclusive
 * @returns `SQLITE_ROW` when there may be more, `SQLITE_DONE`, `ROW_TOO_LONG`, or the error of `sqlite3_step`
 */
export type PackRows = (
  statement: number,
  columns: number,
  start: number,
  end: number,
  maxRows: number,
) => number;

/** Type of a packed INTEGER that needs 64 bits. */
export const WIDE_INTEGER = 6;

const IMPORTS = [
  { name: "step", type: "i(i)" },
  { name: "width", type: "i(i)" },
  { name: "type", type: "i(ii)" },
  { name: "int64", type: "j(ii)" },
  { name: "double", type: "d(ii)" },
  { name: "text", type: "i(ii)" },
  { name: "blob", type: "i(ii)" },
  { name: "bytes", type: "i(ii)" },
] as const;

// Parameters and locals of the function, by index.
const STATEMENT = 0;
const COLUMNS = 1;
const START = 2;
const END = 3;
const MAX_ROWS = 4;
const AT = 5;
const COLUMN = 6;
const TYPE = 7;
const LENGTH = 8;
const COUNT = 9;
const SOURCE = 10;
const RESULT = 11;
const WIDTH = 12;

// The instructions used, WebAssembly Core Specification, "Instructions".
const get = (local: number) => [0x20, local];
const set = (local: number) => [0x21, local];
const tee = (local: number) => [0x22, local];
const constant = (value: number) => [0x41, ...sleb(value)];
const call = (name: (typeof IMPORTS)[number]["name"]) => [
  0x10,
  ...leb(IMPORTS.findIndex((i) => i.name === name)),
];
const BLOCK = [0x02, 0x40];
const LOOP = [0x03, 0x40];
const IF = [0x04, 0x40];
const ELSE = [0x05];
const END_BLOCK = [0x0b];
const branch = (depth: number) => [0x0c, depth];
const branchIf = (depth: number) => [0x0d, depth];
const RETURN = [0x0f];
const ADD = [0x6a];
const SUB = [0x6b];
const AND = [0x71];
const EQ = [0x46];
const NE = [0x47];
const LT_U = [0x49];
const GT_U = [0x4b];
const GE_U = [0x4f];
const storeI32 = (offset: number) => [0x36, 2, offset];
const storeI64 = (offset: number) => [0x37, 3, offset];
const storeF64 = (offset: number) => [0x39, 3, offset];
const LOAD_I32 = [0x28, 2, 8];
const LOAD_I64 = [0x29, 3, 8];
const I64_EXTEND_I32 = [0xac];
const I64_EQ = [0x51];
const MEMORY_COPY = [0xfc, 0x0a, 0, 0];
const cell = [...get(STATEMENT), ...get(COLUMN)];
const finish = [...get(START), ...get(COUNT), ...storeI32(0)];

const PACK_ROWS = [
  ...[...get(START), ...constant(PACKED_HEADER_BYTES), ...ADD, ...set(AT)],
  ...LOOP, // each row
  ...[...get(STATEMENT), ...call("step"), ...tee(RESULT), ...constant(100), ...NE],
  ...[...IF, ...finish, ...get(RESULT), ...RETURN, ...END_BLOCK],
  // Asked for on every row: stepping can compile the statement again, with other columns.
  ...[...get(STATEMENT), ...call("width"), ...tee(WIDTH), ...get(COLUMNS), ...GT_U],
  ...[...IF, ...get(COLUMNS), ...set(WIDTH), ...END_BLOCK],
  ...[...constant(0), ...set(COLUMN)],
  ...BLOCK, // the columns of the row
  ...LOOP, // each column
  ...[...get(COLUMN), ...get(WIDTH), ...GE_U, ...branchIf(1)],
  ...[...constant(0), ...set(LENGTH)],
  ...[...cell, ...call("type"), ...tee(TYPE), ...constant(3), ...EQ],
  ...[...IF, ...cell, ...call("text"), ...set(SOURCE), ...cell, ...call("bytes"), ...set(LENGTH), ...ELSE],
  ...[...get(TYPE), ...constant(4), ...EQ],
  ...[
    ...IF,
    ...cell,
    ...call("blob"),
    ...set(SOURCE),
    ...cell,
    ...call("bytes"),
    ...set(LENGTH),
    ...END_BLOCK,
  ],
  ...END_BLOCK,
  // Every cell is taken as if it had a payload of at least 8 bytes, which keeps this to one comparison.
  ...[...get(END), ...get(AT), ...SUB, ...get(LENGTH), ...constant(24), ...ADD, ...LT_U],
  ...[...IF, ...finish, ...constant(ROW_TOO_LONG), ...RETURN, ...END_BLOCK],
  ...[...get(AT), ...get(TYPE), ...storeI32(0)],
  ...[...get(AT), ...get(LENGTH), ...storeI32(4)],
  ...[...get(TYPE), ...constant(3), ...GE_U],
  ...IF, // TEXT, BLOB, NULL
  ...[...get(AT), ...constant(8), ...ADD, ...get(SOURCE), ...get(LENGTH), ...MEMORY_COPY],
  ...[...get(AT), ...get(LENGTH), ...constant(15), ...ADD, ...constant(-8), ...AND, ...ADD, ...set(AT)],
  ...ELSE,
  ...[...get(TYPE), ...constant(1), ...EQ],
  ...IF, // INTEGER
  ...[...get(AT), ...cell, ...call("int64"), ...storeI64(8)],
  ...[...get(AT), ...LOAD_I32, ...I64_EXTEND_I32, ...get(AT), ...LOAD_I64, ...I64_EQ],
  ...[
    ...IF,
    ...get(AT),
    ...get(AT),
    ...LOAD_I32,
    ...storeI32(4),
    ...get(AT),
    ...constant(8),
    ...ADD,
    ...set(AT),
  ],
  ...[...ELSE, ...get(AT), ...constant(WIDE_INTEGER), ...storeI32(0)],
  ...[...get(AT), ...constant(16), ...ADD, ...set(AT), ...END_BLOCK],
  ...ELSE, // FLOAT
  ...[...get(AT), ...cell, ...call("double"), ...storeF64(8)],
  ...[...get(AT), ...constant(16), ...ADD, ...set(AT)],
  ...END_BLOCK,
  ...END_BLOCK,
  ...[...get(COLUMN), ...constant(1), ...ADD, ...set(COLUMN), ...branch(0)],
  ...END_BLOCK,
  ...END_BLOCK,
  ...[...get(COUNT), ...constant(1), ...ADD, ...tee(COUNT), ...get(MAX_ROWS), ...LT_U, ...branchIf(0)],
  ...END_BLOCK,
  ...[...finish, ...constant(100)],
];

let packer: WebAssembly.Module | undefined;

/** Links the packer to one instance of SQLite. The result must not be called where SQLite would have to wait. */
export function linkRowPacker(sqlite: SqliteExports, memory: WebAssembly.Memory): PackRows {
  packer ??= new WebAssembly.Module(
    assembleModule({
      imports: IMPORTS,
      memory: true,
      functions: [{ name: "packRows", type: "i(iiiii)", locals: 8, code: PACK_ROWS }],
      reexport: false,
    }),
  );
  const instance = new WebAssembly.Instance(packer, {
    e: {
      step: sqlite.sqlite3_step,
      width: sqlite.sqlite3_data_count,
      type: sqlite.sqlite3_column_type,
      int64: sqlite.sqlite3_column_int64,
      double: sqlite.sqlite3_column_double,
      text: sqlite.sqlite3_column_text,
      blob: sqlite.sqlite3_column_blob,
      bytes: sqlite.sqlite3_column_bytes,
      memory,
    },
  });
  return instance.exports["packRows"] as PackRows;
}
