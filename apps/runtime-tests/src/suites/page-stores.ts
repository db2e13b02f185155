import { cappedStore } from "@lacuna/storage/capped";
import { openIndexedDbStore } from "@lacuna/storage/indexeddb";
import { memoryStore } from "@lacuna/storage/memory";
import { openOpfsStore } from "@lacuna/storage/opfs";
import { describePageStore } from "@lacuna/testkit";
import { surroundings } from "./surroundings.ts";

const { runtime } = surroundings();
const inBrowser = runtime.startsWith("chromium");
let places = 0;
const nextPath = (): string => `stores/${Math.random().toString(36).slice(2)}-${++places}.db`;

describePageStore({
  name: "memoryStore",
  capabilities: { persistent: false, exclusive: false, synchronous: true },
  place: () => ({ open: async () => memoryStore() }),
});

if (inBrowser) {
  describePageStore({
    name: "openIndexedDbStore",
    capabilities: { persistent: true, exclusive: true, synchronous: false },
    place() {
      const path = nextPath();
      return { open: () => openIndexedDbStore({ path }) };
    },
  });
  describePageStore({
    name: "openIndexedDbStore with compress, within a limit",
    capabilities: { persistent: true, exclusive: true, synchronous: false },
    place() {
      const path = nextPath();
      const maxBytes = 64 << 20;
      return {
        open: async () => cappedStore(await openIndexedDbStore({ path, compress: true }), { maxBytes }),
      };
    },
  });
  describePageStore({
    name: "openOpfsStore",
    capabilities: { persistent: true, exclusive: true, synchronous: runtime === "chromium-worker" },
    place() {
      const path = nextPath();
      const worker = (): Worker => new Worker("/file-worker.js", { type: "module" });
      return { open: () => openOpfsStore({ path, worker }) };
    },
  });
}
