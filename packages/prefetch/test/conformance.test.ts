import { SegmentCache } from "@lacuna/cache";
import type { AccessEvent } from "@lacuna/page";
import { memoryStore } from "@lacuna/storage/memory";
import { describePredictor, describePrefetchSource } from "@lacuna/testkit";
import { structurePredictor, withPrefetch } from "../src/index.ts";
import { makeTable } from "./tables.ts";

const table = makeTable(1000, 400, 1024);

const events: AccessEvent[] = [table.root, ...table.interiors.slice(1, 2), ...table.leaves.slice(0, 5)].map(
  (page) => ({ page, bytes: table.database.page(page), miss: true }),
);

describePredictor({
  name: "structurePredictor",
  create: () => structurePredictor({ usableSize: 1024 }),
  events,
});

describePrefetchSource({
  name: "withPrefetch over a SegmentCache",
  async open(transport) {
    const { shape } = await transport.open();
    const store = memoryStore();
    await store.reset(shape);
    const cache = new SegmentCache({ transport, store, shape, segmentBytes: shape.pageSize });
    const predictor = structurePredictor({ usableSize: shape.pageSize, peek: (page) => cache.peek(page) });
    return { source: withPrefetch(cache, predictor), close: () => cache.close() };
  },
});
