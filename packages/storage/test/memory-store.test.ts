import { memoryStore } from "@lacuna/storage/memory";
import { describePageStore } from "@lacuna/testkit";

describePageStore({
  name: "memoryStore",
  capabilities: { persistent: false, exclusive: false, synchronous: true },
  place: () => ({ open: async () => memoryStore() }),
});
