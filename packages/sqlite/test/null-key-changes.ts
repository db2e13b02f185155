import type { DatabaseSync, SQLInputValue } from "node:sqlite";

const DELETE = 9;

interface Change {
  readonly operation: number;
  readonly values: readonly SQLInputValue[];
}

/** The table and the inserts and deletes of a changeset that has nothing else. */
function read(changeset: Uint8Array): { table: string; keys: readonly number[]; changes: Change[] } {
  const view = new DataView(changeset.buffer, changeset.byteOffset, changeset.byteLength);
  let at = 1;
  const varint = (): number => {
    let value = 0;
    for (;;) {
      const byte = view.getUint8(at++);
      value = value * 128 + (byte & 0x7f);
      if (byte < 0x80) return value;
    }
  };
  const columns = varint();
  const keys = [...changeset.subarray(at, at + columns)];
  at += columns;
  const end = changeset.indexOf(0, at);
  const table = new TextDecoder().decode(changeset.subarray(at, end));
  at = end + 1;
  const value = (): SQLInputValue => {
    const type = view.getUint8(at++);
    if (type === 5) return null;
    if (type <= 2) {
      at += 8;
      return type === 1 ? view.getBigInt64(at - 8) : view.getFloat64(at - 8);
    }
    const length = varint();
    const bytes = changeset.slice(at, at + length);
    at += length;
    return type === 3 ? new TextDecoder().decode(bytes) : bytes;
  };
  const changes: Change[] = [];
  while (at < changeset.length) {
    const operation = view.getUint8(at);
    at += 2;
    changes.push({ operation, values: Array.from({ length: columns }, value) });
  }
  return { table, keys, changes };
}

/** True for a changeset of rows that have a NULL in their key. The session extension makes none, and applies none. */
export function hasNullKeys(changeset: Uint8Array, table: string): boolean {
  if (!new TextDecoder().decode(changeset.subarray(0, 20)).includes(`${table}\0`)) return false;
  try {
    const { keys, changes } = read(changeset);
    return changes.some(({ values }) => keys.some((key, column) => key > 0 && values[column] === null));
  } catch {
    return false;
  }
}

/** Such a row is known by all its values. */
export function applyNullKeys(db: DatabaseSync, changeset: Uint8Array): void {
  const { table, changes } = read(changeset);
  const columns = db
    .prepare(`SELECT name FROM pragma_table_info('${table}')`)
    .all()
    .map(({ name }) => `"${name}"`);
  for (const { operation, values } of changes) {
    if (operation === DELETE) {
      const same = columns.map((column) => `${column} IS ?`).join(" AND ");
      const gone = db.prepare(
        `DELETE FROM ${table} WHERE rowid = (SELECT min(rowid) FROM ${table} WHERE ${same})`,
      );
      if (gone.run(...values).changes !== 1) throw new Error(`no such row of ${table}`);
    } else {
      db.prepare(`INSERT INTO ${table}(${columns}) VALUES (${columns.map(() => "?")})`).run(...values);
    }
  }
}
