import { describePageSource } from "@lacuna/testkit";
import { Pager, ReadingPager } from "../src/index.ts";
import { cacheOver } from "./set-up.ts";

for (const Kind of [Pager, ReadingPager]) {
  describePageSource({
    name: `a Snapshot of a ${Kind.name}`,
    async open(transport) {
      const cache = await cacheOver(transport);
      const pager = new Kind({ base: cache });
      const close = async (): Promise<void> => {
        await pager.close();
        await cache.close();
      };
      return { source: await pager.snapshot(), close };
    },
  });
}
