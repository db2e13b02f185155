import { childPages } from "@lacuna/btree";
import { SegmentCache } from "@lacuna/cache";
import type { AccessEvent, PageNo, PageSource, ReadTask } from "@lacuna/page";
import { memoryStore } from "@lacuna/storage/memory";
import { describePredictor, describePrefetchSource } from "@lacuna/testkit";
import {
  childrenPredictor,
  historyPredictor,
  indexRowsPredictor,
  overflowPredictor,
  type Peek,
  predictors,
  scanPredictor,
  withPrefetch,
} from "../src/index.ts";
import { coldReader, makeDatabase, readByIndex, readRow } from "./reading.ts";
import { makeTable } from "./tables.ts";

const table = makeTable(1000, 400, 1024);
/** The first interior page below the root. */
const beginning = table.interiors[1] as PageNo;

const made = makeDatabase(`
  CREATE TABLE note(id INTEGER PRIMARY KEY, user INTEGER, body BLOB);
  INSERT INTO note SELECT i, i * 7 % 50, randomblob(i % 20 * 400) FROM n WHERE i <= 1000;
  CREATE INDEX by_user ON note(user);`);
const peek: Peek = (page) => made.database.page(page);

/** What a reader of pages does that all have to be waited for. */
const missing = (pages: readonly PageNo[], task?: ReadTask): AccessEvent[] =>
  pages.flatMap((page) => [
    { page, bytes: undefined, miss: true, task },
    { page, bytes: made.database.page(page), miss: true, task },
  ]);

/** The pages that a reading comes to, in order. */
async function pagesOf(read: (source: PageSource) => Promise<unknown>): Promise<PageNo[]> {
  const { transport, source } = await coldReader(made, () => []);
  await read(source);
  return transport.asked.flat();
}

const byIndex = await pagesOf((source) =>
  readByIndex(source, made, ["by_user", "note"], { from: [7], to: [7], limit: 4 }),
);
const oneRow = await pagesOf((source) => readRow(source, made, "note", 19));

describePredictor({
  name: "scanPredictor",
  create: () => scanPredictor({ usableSize: 1024 }),
  // Two leaves from the end of an interior page: the next leaf is predicted, and the interior page that comes after it.
  events: [
    table.root,
    beginning,
    ...(childPages(beginning, table.database.page(beginning), 1024) ?? []).slice(-3, -1),
  ].map((page) => ({ page, bytes: table.database.page(page), miss: true })),
});

describePredictor({
  name: "childrenPredictor",
  create: () => childrenPredictor({ usableSize: 1024, wholeUpTo: 1000 }),
  events: missing([made.root("note")]),
});

describePredictor({
  name: "overflowPredictor",
  create: () => overflowPredictor({ usableSize: 1024, peek }),
  // Without the end of the chain there is something left to predict.
  events: missing(oneRow.slice(0, -4)),
});

describePredictor({
  name: "indexRowsPredictor",
  create: () => indexRowsPredictor({ usableSize: 1024, peek: hidingRows(byIndex) }),
  events: missing(byIndex.slice(0, -1)),
});

describePredictor({
  name: "historyPredictor",
  create: () => historyPredictor({ usableSize: 1024 }),
  events: [
    ...missing(byIndex, { name: "again" }),
    ...missing(oneRow, { name: "other" }),
    ...missing([made.root("note")], { name: "again" }),
  ],
});

/** Shows what a reader came to, and of the rest nothing: what is here need not be predicted. */
function hidingRows(read: readonly PageNo[]): Peek {
  return (page) => (read.includes(page) ? peek(page) : undefined);
}

describePrefetchSource({
  name: "withPrefetch with every predictor over a SegmentCache",
  async open(transport) {
    const { shape } = await transport.open();
    const store = memoryStore();
    await store.reset(shape);
    const cache = new SegmentCache({ transport, store, shape, segmentBytes: shape.pageSize });
    const all = predictors({ usableSize: shape.pageSize, peek: (page) => cache.glance(page) });
    return { source: withPrefetch(cache, all), close: () => cache.close() };
  },
});
