import { describePageSource } from "@lacuna/testkit";
import { ReadPager } from "../src/index.ts";
import { cacheOver } from "./set-up.ts";

describePageSource({
  name: "a Snapshot of a Pager",
  async open(transport) {
    const cache = await cacheOver(transport);
    const pager = new ReadPager({ base: cache });
    const close = async (): Promise<void> => {
      await pager.close();
      await cache.close();
    };
    return { source: await pager.snapshot(), close };
  },
});
