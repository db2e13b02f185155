import { memoryStore } from "@lacuna/storage/memory";
import { describePrefetchSource } from "@lacuna/testkit";
import { SegmentCache } from "../src/index.ts";
import { asyncOnly } from "./set-up.ts";

for (const [kind, wrap] of [
  ["a store in memory", (store: ReturnType<typeof memoryStore>) => store],
  ["a store that only reads asynchronously", asyncOnly],
] as const) {
  for (const memoryBytes of [0, 32 * 1024 * 1024]) {
    for (const segmentBytes of [1024, 16 * 1024]) {
      describePrefetchSource({
        name: `SegmentCache with segments of ${segmentBytes} bytes and ${memoryBytes} bytes of memory over ${kind}`,
        async open(transport) {
          const { shape } = await transport.open();
          const store = wrap(memoryStore());
          await store.reset(shape);
          const source = new SegmentCache({ transport, store, shape, segmentBytes, memoryBytes });
          return { source, close: () => source.close() };
        },
      });
    }
  }
}
