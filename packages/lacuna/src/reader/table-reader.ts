import { CountTask, type Value } from "@lacuna/btree";
import type { AbortOptions } from "@lacuna/page";
import { invalid } from "../option-check.ts";
import { checkGet, checkRange } from "./check-read.ts";
import { type Bound, type Key, keyBound, keyValues, rowidBound, rowidKey } from "./key.ts";
import { checkLimit } from "./limit.ts";
import { lookUp } from "./lookup.ts";
import { type Row, type RowOptions, RowShape } from "./row-shape.ts";
import { indexRange, tableRange, wholeTree } from "./tree-range.ts";
import { type OpenView, type StoredTable, tableOf, type View } from "./view.ts";

export interface GetOptions extends RowOptions, AbortOptions {}

export interface ScanOptions extends RowOptions, AbortOptions {
  /**
   * Where the range begins: a row id, or values of the first columns of the primary key of a WITHOUT ROWID table. Belongs
   * to the range unless given as `{ key, inclusive: false }`.
   * @default the first row
   */
  readonly from?: Bound | undefined;
  /**
   * Where the range ends, in the same way.
   * @default the last row
   */
  readonly to?: Bound | undefined;
  /**
   * From the end of the range to its beginning.
   * @default false
   */
  readonly reverse?: boolean | undefined;
  /**
   * Rows at most.
   * @default all
   */
  readonly limit?: number | undefined;
}

/**
 * One table, read row by row. Each call sees the newest state of the database; a scan sees the one it began with, and
 * fails with `REVISION_CHANGED` if the remote drops it.
 *
 * Errors of every call: `INVALID_OPTION` if there is no such table or column, or a key does not fit; `NOT_SUPPORTED` for
 * views and virtual tables; `CORRUPT_PAGE` with page and offset; what the remote and the store report; `CLOSED`; the reason
 * of an aborted signal.
 */
export class TableReader<T = Row> {
  readonly name: string;
  readonly #open: OpenView;

  /** @internal */
  constructor(name: string, open: OpenView) {
    this.name = name;
    this.#open = open;
  }

  /**
   * The row with a row id, or with the primary key of a WITHOUT ROWID table: its only value, or all values in the order of
   * the key. `undefined` if there is none.
   */
  async get(key: Key, options: GetOptions = {}): Promise<T | undefined> {
    const [row] = await this.getMany([key], options);
    return row;
  }

  /** As many `get`s, in the round trips of one. */
  async getMany(keys: readonly Key[], options: GetOptions = {}): Promise<(T | undefined)[]> {
    checkGet(options);
    const view = await this.#open(options);
    try {
      const table = tableOf(view, this.name);
      const shape = new RowShape(table, options, view.bigints);
      const rows = await lookUp(
        view,
        table,
        keys.map((key) => wholeKey(table, key)),
        shape,
        options.signal,
      );
      return rows as (T | undefined)[];
    } finally {
      view.snapshot.release();
    }
  }

  /** The rows in the order of their keys. Leaving the loop early drops what was fetched ahead. */
  async *scan(options: ScanOptions = {}): AsyncGenerator<T, void, undefined> {
    checkRange(options);
    let left = checkLimit(options.limit);
    const view = await this.#open(options);
    try {
      const table = tableOf(view, this.name);
      const shape = new RowShape(table, options, view.bigints);
      const walk = rangeOf(view, table, shape, options, () => left);
      try {
        while (left > 0) {
          const step = walk.step();
          if (step === false) return;
          if (step === true) {
            left--;
            yield shape.read(walk.walk) as T;
          } else await walk.fetch(step);
        }
      } finally {
        walk.stop();
      }
    } finally {
      view.snapshot.release();
    }
  }

  /** How many rows there are. Fetches the whole table, but for its overflow pages. */
  async count(options: AbortOptions = {}): Promise<number> {
    const view = await this.#open(options);
    try {
      const { rootPage } = tableOf(view, this.name);
      const counting = wholeTree(view, rootPage, new CountTask(view.format, rootPage), options.signal);
      await counting.next();
      return counting.walk.result;
    } finally {
      view.snapshot.release();
    }
  }
}

function wholeKey(table: StoredTable, key: Key): readonly Value[] {
  const what = `the key of table ${table.name}`;
  if (!table.withoutRowid) return [rowidKey(what, key)];
  const values = keyValues(what, key, table.key.length);
  if (values.length === table.key.length) return values;
  throw invalid(`${what} has ${table.key.length} values, got ${values.length}`);
}

function rangeOf(
  view: View,
  table: StoredTable,
  { fields }: RowShape,
  { from, to, reverse, signal }: ScanOptions,
  entriesLeft: () => number,
) {
  const { bigints } = view;
  const guide = { signal, entriesLeft };
  if (table.withoutRowid) {
    const most = table.key.length;
    const range = {
      from: keyBound("from", from, most),
      to: keyBound("to", to, most),
      reverse,
      fields,
      bigints,
    };
    return indexRange(view, table.rootPage, table.key, range, guide);
  }
  const range = {
    from: rowidBound("from", from, 1),
    to: rowidBound("to", to, -1),
    reverse,
    fields,
    bigints,
  };
  return tableRange(view, table.rootPage, range, guide);
}
