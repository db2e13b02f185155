import { describePageSource } from "@lacuna/testkit";
import { Pager } from "../src/index.ts";
import { cacheOver } from "./set-up.ts";

describePageSource({
  name: "a Snapshot of a Pager",
  async open(transport) {
    const cache = await cacheOver(transport);
    const pager = new Pager({ base: cache });
    const close = async (): Promise<void> => {
      await pager.close();
      await cache.close();
    };
    return { source: await pager.snapshot(), close };
  },
});
