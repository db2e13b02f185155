import { createHash } from "node:crypto";
import { DatabaseSync } from "node:sqlite";
import type { ResultRow } from "./systems/system.ts";
import type { Statement } from "./workloads/workload.ts";

/** Compares answers with those of the stock SQLite on the file itself. */
export class AnswerCheck {
  readonly #db: DatabaseSync;
  readonly #known = new Map<string, string>();

  constructor(path: string) {
    this.#db = new DatabaseSync(path, { readOnly: true });
  }

  /** @throws if the rows are others; their order does not matter */
  same(statement: Statement, rows: readonly ResultRow[]): void {
    const expected = this.#expected(statement);
    const found = digest(rows);
    if (found !== expected) {
      throw new Error(`answered with other rows than SQLite (${found}, not ${expected}): ${statement.sql}`);
    }
  }

  /** Rows that the statement gives. */
  rows({ sql, parameters = [] }: Statement): readonly ResultRow[] {
    const statement = this.#db.prepare(sql);
    statement.setReturnArrays(true);
    return statement.all(...parameters) as unknown as ResultRow[];
  }

  close(): void {
    this.#db.close();
  }

  #expected(statement: Statement): string {
    const key = JSON.stringify(statement);
    let known = this.#known.get(key);
    if (known === undefined) {
      known = digest(this.rows(statement));
      this.#known.set(key, known);
    }
    return known;
  }
}

/** `rows/hash`, the same for the same rows in any order. */
function digest(rows: readonly ResultRow[]): string {
  const lines = rows.map((row) => JSON.stringify(row.map(plainValue))).sort();
  const hash = createHash("sha256").update(lines.join("\n")).digest("hex");
  return `${rows.length} rows, ${hash.slice(0, 12)}`;
}

function plainValue(value: unknown): unknown {
  if (value === undefined) return null;
  if (typeof value === "bigint") return Number(value);
  // Programs in other contexts have a `Uint8Array` of their own.
  if (ArrayBuffer.isView(value)) {
    const bytes = new Uint8Array(value.buffer, value.byteOffset, value.byteLength);
    return `${value.byteLength} bytes, ${createHash("sha256").update(bytes).digest("hex")}`;
  }
  return value;
}
