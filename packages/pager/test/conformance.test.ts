import { SegmentCache } from "@lacuna/cache";
import { memoryStore } from "@lacuna/storage/memory";
import { describePageSource } from "@lacuna/testkit";
import { openPager, ReadingPager } from "../src/index.ts";
import { cacheOver } from "./set-up.ts";

describePageSource({
  name: "a Snapshot of a ReadingPager",
  async open(transport) {
    const cache = await cacheOver(transport);
    const pager = new ReadingPager({ base: cache });
    const close = async (): Promise<void> => {
      await pager.close();
      await cache.close();
    };
    return { source: await pager.snapshot(), close };
  },
});

describePageSource({
  name: "a Snapshot of a Pager",
  async open(transport) {
    const { shape } = await transport.open();
    const store = memoryStore();
    await store.reset(shape);
    const source = new SegmentCache({ transport, store, shape, segmentBytes: 512 });
    const base = { source, end: () => source.close() };
    const pager = await openPager({ store, base: () => base });
    return { source: await pager.snapshot(), close: () => pager.close() };
  },
});
