import { LacunaError } from "@lacuna/page";
import type { CompiledStatement } from "./compiled-statement.ts";
import type { Engine } from "./engine.ts";
import { SQLITE_BLOB, SQLITE_FLOAT, SQLITE_INTEGER, SQLITE_TEXT } from "./result-code.ts";
import { PACKED_HEADER_BYTES, WIDE_INTEGER } from "./row-packer.ts";
import { textFrom } from "./text.ts";

/** A value as it comes out of a query: INTEGER is a number, or a bigint with `safeIntegers`. */
export type SqlResult = null | number | bigint | string | Uint8Array;

/** How rows are handed over. */
export interface RowShape {
  /** `object`: by column name; `array`: in order; `value`: the first column alone. */
  readonly as: "object" | "array" | "value";
  /** INTEGER as bigint. Otherwise one that a number cannot hold exactly is an error. */
  readonly safeIntegers: boolean;
}

/** More than SQLite can be told to allow. "Limits in SQLite". */
const MAX_COLUMNS = 32_768;

/** Turns the rows of one execution into values. */
export class RowReader {
  /** How many columns have to be packed at most. */
  readonly columns: number;
  readonly #engine: Engine;
  readonly #statement: CompiledStatement;
  readonly #as: RowShape["as"];
  readonly #safeIntegers: boolean;
  /** Where the next packed cell is, in 32-bit words from the start of memory. */
  #at = 0;

  constructor(engine: Engine, statement: CompiledStatement, shape: RowShape) {
    this.#engine = engine;
    this.#statement = statement;
    this.#as = shape.as;
    this.#safeIntegers = shape.safeIntegers;
    this.columns = shape.as === "value" ? 1 : MAX_COLUMNS;
  }

  /** Appends the rows packed at `buffer` to `rows`. */
  readPacked(buffer: number, rows: unknown[]): void {
    const { words, bytes, doubles } = this.#engine.heap;
    const count = words[buffer >>> 2] as number;
    if (count === 0) return;
    const names = this.#statement.columnNames();
    const columns = Math.min(this.columns, names.length);
    this.#at = (buffer + PACKED_HEADER_BYTES) >>> 2;
    for (let index = 0; index < count; index++) {
      if (this.#as === "object") {
        const row: Record<string, SqlResult> = {};
        for (let column = 0; column < columns; column++) {
          setField(row, names[column] as string, this.#packedCell(words, bytes, doubles, column));
        }
        rows.push(row);
      } else if (this.#as === "array") {
        const row: SqlResult[] = [];
        for (let column = 0; column < columns; column++) {
          row.push(this.#packedCell(words, bytes, doubles, column));
        }
        rows.push(row);
      } else rows.push(columns === 0 ? undefined : this.#packedCell(words, bytes, doubles, 0));
    }
  }

  /** The row the statement stands on: for the one that is longer than the buffer. */
  readCurrent(): unknown {
    const names = this.#statement.columnNames();
    const values: SqlResult[] = [];
    for (let column = 0; column < Math.min(this.columns, names.length); column++) {
      values.push(this.#cell(this.#statement.pointer, column));
    }
    if (this.#as === "array") return values;
    if (this.#as === "value") return values[0];
    const row: Record<string, SqlResult> = {};
    for (const [column, value] of values.entries()) setField(row, names[column] as string, value);
    return row;
  }

  #packedCell(words: Int32Array, bytes: Uint8Array, doubles: Float64Array, column: number): SqlResult {
    const at = this.#at;
    const detail = words[at + 1] as number;
    switch (words[at]) {
      case SQLITE_INTEGER:
        this.#at = at + 2;
        return this.#safeIntegers ? BigInt(detail) : detail;
      case WIDE_INTEGER:
        this.#at = at + 4;
        return this.#wideInteger(words[at + 2] as number, words[at + 3] as number, column);
      case SQLITE_FLOAT:
        this.#at = at + 4;
        return doubles[(at + 2) >>> 1] as number;
      case SQLITE_TEXT:
        this.#at = at + 2 + (((detail + 7) >>> 3) << 1);
        return textFrom(bytes, (at + 2) * 4, detail);
      case SQLITE_BLOB:
        this.#at = at + 2 + (((detail + 7) >>> 3) << 1);
        return bytes.slice((at + 2) * 4, (at + 2) * 4 + detail);
      default:
        this.#at = at + 2;
        return null;
    }
  }

  #cell(statement: number, column: number): SqlResult {
    const { sqlite, heap } = this.#engine;
    switch (sqlite.sqlite3_column_type(statement, column)) {
      case SQLITE_INTEGER: {
        const value = sqlite.sqlite3_column_int64(statement, column);
        return this.#wideInteger(Number(value & 0xffff_ffffn) | 0, Number(value >> 32n), column);
      }
      case SQLITE_FLOAT:
        return sqlite.sqlite3_column_double(statement, column);
      case SQLITE_TEXT: {
        const pointer = sqlite.sqlite3_column_text(statement, column) >>> 0;
        return textFrom(heap.bytes, pointer, sqlite.sqlite3_column_bytes(statement, column));
      }
      case SQLITE_BLOB: {
        const pointer = sqlite.sqlite3_column_blob(statement, column) >>> 0;
        const length = sqlite.sqlite3_column_bytes(statement, column);
        return heap.bytes.slice(pointer, pointer + length);
      }
      default:
        return null;
    }
  }

  /** @param low the lower 32 bits, and @param high the upper, both as signed numbers */
  #wideInteger(low: number, high: number, column: number): number | bigint {
    if (this.#safeIntegers) return (BigInt(high) << 32n) | BigInt(low >>> 0);
    const value = high * 4_294_967_296 + (low >>> 0);
    if (Number.isSafeInteger(value)) return value;
    throw new LacunaError(
      "INVALID_OPTION",
      `column "${this.#statement.columnNames()[column]}" holds ${(BigInt(high) << 32n) | BigInt(low >>> 0)}, ` +
        "which a number cannot hold exactly; ask for bigints with safeIntegers()",
    );
  }
}

/** A column may be called `__proto__`, which an assignment would take for the prototype. */
function setField(row: Record<string, SqlResult>, name: string, value: SqlResult): void {
  if (name !== "__proto__") row[name] = value;
  else Object.defineProperty(row, name, { value, enumerable: true, configurable: true, writable: true });
}
