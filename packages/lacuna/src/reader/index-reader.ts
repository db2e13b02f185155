import { CountTask, type IndexWalk, type Table, type Value } from "@lacuna/btree";
import type { AbortOptions, PageNo } from "@lacuna/page";
import { checkRange } from "./check-read.ts";
import type { GuidedWalk } from "./guided-walk.ts";
import { corruptEntry, EntryShape, RowKeyReader } from "./index-entry.ts";
import { type Bound, keyBound } from "./key.ts";
import { checkLimit } from "./limit.ts";
import { lookUp } from "./lookup.ts";
import { type Row, type RowOptions, RowShape } from "./row-shape.ts";
import { indexRange, wholeTree } from "./tree-range.ts";
import { indexOf, type OpenView, type StoredIndex, type StoredTable, tableOf, type View } from "./view.ts";

export interface RangeOptions extends RowOptions, AbortOptions {
  /**
   * Where the range begins, in the order of the index: values of its first columns. With a DESC column the larger value
   * comes first. All entries that begin with these values belong to the range unless it is given as
   * `{ key, inclusive: false }`. Values are compared as they are, without conversion: `"5"` is not `5`.
   * @default the first entry
   */
  readonly from?: Bound | undefined;
  /**
   * Where the range ends, in the same way. The same as `from` for all entries of a key.
   * @default the last entry
   */
  readonly to?: Bound | undefined;
  /**
   * From the end of the range to its beginning.
   * @default false
   */
  readonly reverse?: boolean | undefined;
  /**
   * Entries at most.
   * @default all
   */
  readonly limit?: number | undefined;
  /**
   * Gives what the index itself holds, without going to the table: its columns and the row's key.
   * @default false: rows of the table, unless the index holds all `columns` that are wanted
   */
  readonly keysOnly?: boolean | undefined;
}

/** Entries whose rows are looked up together: at first, and at most. */
const FIRST_BATCH = 128;
const LAST_BATCH = 2048;
const BATCH_GROWTH = 4;

/** One index, read in its order. Sees the database as a `TableReader` does, and has its errors. */
export class IndexReader<T = Row> {
  readonly name: string;
  readonly #open: OpenView;

  /** @internal */
  constructor(name: string, open: OpenView) {
    this.name = name;
    this.#open = open;
  }

  /**
   * The rows of a range, in the order of the index. The rows that a stretch of the index points to are fetched together.
   * A partial index only has the rows that it is for.
   */
  async *range(options: RangeOptions = {}): AsyncGenerator<T, void, undefined> {
    checkRange(options);
    const limit = checkLimit(options.limit);
    const view = await this.#open(options);
    try {
      const index = indexOf(view, this.name);
      const table = tableOf(view, index.tableName);
      const shape = entryShape(table, index, options);
      if (limit === 0) return;
      const rows =
        shape === undefined
          ? joinedRows(view, table, index, options, limit)
          : entryRows(view, index, shape, options, limit);
      yield* rows as AsyncGenerator<T, void, undefined>;
    } finally {
      view.snapshot.release();
    }
  }

  /** How many entries there are. Fetches the whole index, but for its overflow pages. */
  async count(options: AbortOptions = {}): Promise<number> {
    const view = await this.#open(options);
    try {
      const { rootPage } = indexOf(view, this.name);
      const counting = wholeTree(view, rootPage, new CountTask(view.format, rootPage), options.signal);
      await counting.next();
      return counting.walk.result;
    } finally {
      view.snapshot.release();
    }
  }
}

/** The shape where the index alone can give the rows. */
function entryShape(table: Table, index: StoredIndex, options: RangeOptions): EntryShape | undefined {
  const { columns, keysOnly = false } = options;
  if (!keysOnly && columns === undefined) return undefined;
  const shape = EntryShape.of(table, index, options);
  if (shape !== undefined || !keysOnly) return shape;
  // Names the column that is not there.
  const known = { ...table, columns: table.columns.filter((_, at) => inIndex(index, table, at)) };
  new RowShape(known, options, false);
  return undefined;
}

const inIndex = (index: StoredIndex, table: Table, column: number): boolean =>
  column === table.rowidAlias || index.key.some((field) => field.column === column);

function walkOf(
  view: View,
  index: StoredIndex,
  { from, to, reverse, signal }: RangeOptions,
  fields: number,
  entriesLeft: () => number,
): GuidedWalk<IndexWalk> {
  const most = index.key.length;
  const range = {
    from: keyBound("from", from, most),
    to: keyBound("to", to, most),
    reverse,
    fields,
    bigints: view.bigints,
  };
  return indexRange(view, index.rootPage, index.key, range, { signal, entriesLeft });
}

async function* entryRows(
  view: View,
  index: StoredIndex,
  shape: EntryShape,
  options: RangeOptions,
  limit: number,
): AsyncGenerator<Row | Value[], void, undefined> {
  let left = limit;
  const entries = walkOf(view, index, options, shape.fields, () => left);
  try {
    while (left > 0) {
      const step = entries.step();
      if (step === false) return;
      if (step === true) {
        left--;
        yield shape.read(entries.walk);
      } else await entries.fetch(step);
    }
  } finally {
    entries.stop();
  }
}

/** An entry of the index, as far as it leads to a row. */
interface Pointer {
  readonly key: readonly Value[];
  /** Where the entry is, for an error. */
  readonly page: PageNo;
}

async function* joinedRows(
  view: View,
  table: StoredTable,
  index: StoredIndex,
  options: RangeOptions,
  limit: number,
): AsyncGenerator<Row | Value[], void, undefined> {
  const shape = new RowShape(table, options, view.bigints);
  const reader = new RowKeyReader(table, index);
  let left = limit;
  let size = FIRST_BATCH;
  const bounded = options.from !== undefined && options.to !== undefined;
  const entries = walkOf(view, index, options, Number.POSITIVE_INFINITY, () =>
    bounded ? left : Math.min(left, size),
  );
  try {
    for (;;) {
      const batch: Pointer[] = [];
      while (batch.length < Math.min(size, left) && (await entries.next())) {
        batch.push({ key: reader.read(entries.walk), page: entries.walk.page });
      }
      if (batch.length === 0) return;
      const keys = batch.map(({ key }) => key);
      const rows = await lookUp(view, table, keys, shape, options.signal);
      for (const [at, { page, key }] of batch.entries()) {
        const row = rows[at];
        if (row === undefined) {
          throw corruptEntry(page, `expected a row of ${table.name} for the index entry of ${key.join()}`);
        }
        left--;
        yield row;
      }
      size = Math.min(LAST_BATCH, size * BATCH_GROWTH);
    }
  } finally {
    entries.stop();
  }
}
