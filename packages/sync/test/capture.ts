import type { DatabaseSync } from "node:sqlite";
import type { CapturedItem } from "../src/changes/captured.ts";
import type { ChangeTransaction } from "../src/changes/change.ts";
import { decodeChange, encodeChange } from "../src/changes/change-record.ts";

export const schemaOf = (db: DatabaseSync): string[] =>
  db
    .prepare("SELECT sql FROM sqlite_schema WHERE sql IS NOT NULL")
    .all()
    .map(({ sql }) => String(sql));

/** What SQLite's session extension says that `run` did, as one item. */
export function captured(db: DatabaseSync, run: () => void): CapturedItem & { readonly kind: "changeset" } {
  const session = db.createSession();
  run();
  const bytes = session.changeset();
  session.close();
  return { kind: "changeset", bytes, schema: schemaOf(db), rows: [] };
}

/** The same, written down and read again. */
export function transactionOf(items: readonly CapturedItem[], number = 1): ChangeTransaction {
  return decodeChange(encodeChange({ items }, 1_700_000_000_000), number);
}

/** A changeset of a table without key, as the extension writes it when it is told to keep row ids. */
export function keylessChangeset(
  table: string,
  columns: number,
  changes: readonly {
    operation: 9 | 18 | 23;
    rowid: number;
    before?: readonly Cell[];
    after?: readonly Cell[];
  }[],
): Uint8Array {
  const bytes: number[] = [0x54, columns + 1, 1, ...Array<number>(columns).fill(0), ...Buffer.from(table), 0];
  for (const { operation, rowid, before, after } of changes) {
    bytes.push(operation, 0);
    const update = operation === 23;
    if (before !== undefined) bytes.push(...cell(rowid), ...before.flatMap(cell));
    if (after !== undefined) bytes.push(...(update ? [0] : cell(rowid)), ...after.flatMap(cell));
  }
  return Uint8Array.from(bytes);
}

type Cell = string | number | undefined;

function cell(value: Cell): number[] {
  if (value === undefined) return [0];
  if (typeof value === "string") return [3, value.length, ...Buffer.from(value)];
  const buffer = Buffer.alloc(8);
  buffer.writeBigInt64BE(BigInt(value));
  return [1, ...buffer];
}
