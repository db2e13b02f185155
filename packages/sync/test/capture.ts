import type { DatabaseSync } from "node:sqlite";
import type { CapturedItem, CapturedTable } from "../src/changes/captured.ts";
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
  return { kind: "changeset", bytes, tables: tablesOf(db), rows: [] };
}

/** The facts of every table. */
export function tablesOf(db: DatabaseSync): CapturedTable[] {
  const ask = (sql: string, ...args: string[]): Record<string, unknown>[] => db.prepare(sql).all(...args);
  const named = ask("SELECT name FROM sqlite_schema WHERE type = 'table'");
  return named.map(({ name }) => {
    const table = String(name);
    const columns = ask(
      'SELECT name, pk, "notnull" AS required FROM pragma_table_xinfo(?) WHERE hidden = 0',
      table,
    );
    const indexes = ask("SELECT name FROM pragma_index_list(?) WHERE \"unique\" AND origin <> 'pk'", table);
    const actions = ask(
      "SELECT 1 FROM pragma_foreign_key_list(?) WHERE on_update <> 'NO ACTION' OR on_delete <> 'NO ACTION'",
      table,
    );
    return {
      name: table,
      columns: columns.map((column) => ({
        name: String(column["name"]),
        primaryKey: Number(column["pk"]),
        notNull: column["required"] === 1,
      })),
      keyedByRowid: columns.every(({ pk }) => pk === 0),
      unique: indexes.map((index) =>
        ask("SELECT name FROM pragma_index_info(?)", String(index["name"])).map((column) =>
          String(column["name"]),
        ),
      ),
      hasTriggers:
        ask("SELECT 1 FROM sqlite_schema WHERE type = 'trigger' AND tbl_name = ?", table).length > 0,
      hasForeignKeyActions: actions.length > 0,
    };
  });
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
