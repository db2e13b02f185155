import { openNodeStore } from "@lacuna/storage/node";
import { describePageStore } from "@lacuna/testkit";
import { surroundings } from "./surroundings.ts";

const { directory } = surroundings();
let places = 0;

describePageStore({
  name: "openNodeStore",
  capabilities: { persistent: true, exclusive: true, synchronous: true },
  place() {
    const path = `${directory}/${++places}.db`;
    return { open: () => openNodeStore({ path }) };
  },
});
