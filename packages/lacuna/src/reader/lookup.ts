import { IndexWalk, TableWalk, type Value } from "@lacuna/btree";
import type { Row, RowShape } from "./row-shape.ts";
import type { StoredTable, View } from "./view.ts";
import { walkTogether } from "./walk-together.ts";

/**
 * The rows with these keys, `undefined` where there is none, in as many round trips as the tree has levels that are not
 * here.
 * @param keys row ids, or whole primary keys of a WITHOUT ROWID table
 */
export async function lookUp(
  view: View,
  table: StoredTable,
  keys: readonly (readonly Value[])[],
  shape: RowShape,
  signal: AbortSignal | undefined,
): Promise<(Row | Value[] | undefined)[]> {
  const { format, bigints, snapshot } = view;
  const { fields } = shape;
  const walks = keys.map((key) => {
    if (table.withoutRowid) {
      const bound = { key };
      return new IndexWalk(format, table.rootPage, table.key, { from: bound, to: bound, fields, bigints });
    }
    const rowid = key[0] as number | bigint;
    return new TableWalk(format, table.rootPage, { from: rowid, to: rowid, fields, bigints });
  });
  const rows: (Row | Value[] | undefined)[] = keys.map(() => undefined);
  await walkTogether(
    walks,
    snapshot,
    (index, found) => {
      if (found) rows[index] = shape.read(walks[index] as TableWalk | IndexWalk);
    },
    signal,
  );
  return rows;
}
