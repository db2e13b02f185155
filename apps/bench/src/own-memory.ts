import initSqlite from "@sqlite.org/sqlite-wasm";

/** The official build of SQLite over a copy of a database in its own memory: reading as it is without anything of ours. */
export interface OwnMemory {
  /** All rows through the object interface that comes with the build. */
  withInterface(sql: string, rowMode: "array" | "object"): unknown[];
  /** All rows as arrays, through its C functions in the plainest loop there is. */
  plainArrays(sql: string): unknown[][];
  /** The same as objects. */
  plainObjects(sql: string): Record<string, unknown>[];
  close(): void;
}

export async function openOwnMemory(bytes: Uint8Array): Promise<OwnMemory> {
  const { capi, oo1, wasm } = await initSqlite();
  const db = new oo1.DB(":memory:");
  const pointer = wasm.allocFromTypedArray(bytes);
  const flags = capi.SQLITE_DESERIALIZE_FREEONCLOSE;
  db.checkRc(capi.sqlite3_deserialize(db, "main", pointer, bytes.length, bytes.length, flags));
  const rows = new PlainRows(wasm.exports as unknown as ColumnFunctions, wasm.heap8u);
  const plainly = <T>(sql: string, read: (statement: number, names: readonly string[]) => T): T => {
    const statement = db.prepare(sql);
    try {
      return read(Number(statement.pointer), statement.getColumnNames());
    } finally {
      statement.finalize();
    }
  };
  return {
    withInterface: (sql, rowMode) => db.exec(sql, { rowMode, returnValue: "resultRows" }),
    plainArrays: (sql) => plainly(sql, (statement, { length }) => rows.arrays(statement, length)),
    plainObjects: (sql) => plainly(sql, (statement, names) => rows.objects(statement, names)),
    close: () => db.close(),
  };
}

/** The functions of the build that the plain loop calls. */
interface ColumnFunctions {
  sqlite3_step(statement: number): number;
  sqlite3_column_type(statement: number, column: number): number;
  sqlite3_column_int64(statement: number, column: number): bigint;
  sqlite3_column_double(statement: number, column: number): number;
  sqlite3_column_text(statement: number, column: number): number;
  sqlite3_column_blob(statement: number, column: number): number;
  sqlite3_column_bytes(statement: number, column: number): number;
}

const ROW = 100;
const INTEGER = 1;
const FLOAT = 2;
const TEXT = 3;
const NULL = 5;

class PlainRows {
  readonly #functions: ColumnFunctions;
  readonly #heap: () => Uint8Array;
  readonly #decoder = new TextDecoder();

  constructor(functions: ColumnFunctions, heap: () => Uint8Array) {
    this.#functions = functions;
    this.#heap = heap;
  }

  arrays(statement: number, columns: number): unknown[][] {
    const rows: unknown[][] = [];
    while (this.#functions.sqlite3_step(statement) === ROW) {
      const row: unknown[] = [];
      for (let column = 0; column < columns; column++) row.push(this.#value(statement, column));
      rows.push(row);
    }
    return rows;
  }

  objects(statement: number, names: readonly string[]): Record<string, unknown>[] {
    const rows: Record<string, unknown>[] = [];
    while (this.#functions.sqlite3_step(statement) === ROW) {
      const row: Record<string, unknown> = {};
      for (let column = 0; column < names.length; column++) {
        row[names[column] ?? ""] = this.#value(statement, column);
      }
      rows.push(row);
    }
    return rows;
  }

  #value(statement: number, column: number): unknown {
    const c = this.#functions;
    const type = c.sqlite3_column_type(statement, column);
    if (type === INTEGER) return Number(c.sqlite3_column_int64(statement, column));
    if (type === FLOAT) return c.sqlite3_column_double(statement, column);
    if (type === NULL) return null;
    const isText = type === TEXT;
    const start = (isText ? c.sqlite3_column_text : c.sqlite3_column_blob)(statement, column);
    const end = start + c.sqlite3_column_bytes(statement, column);
    const heap = this.#heap();
    return isText ? this.#decoder.decode(heap.subarray(start, end)) : heap.slice(start, end);
  }
}
