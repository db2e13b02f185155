import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openNodeStore } from "@lacuna/storage/node";
import { describePageStore } from "@lacuna/testkit";
import { afterAll } from "vitest";

const directory = mkdtempSync(join(tmpdir(), "lacuna-store-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));
let places = 0;

describePageStore({
  name: "openNodeStore",
  capabilities: { persistent: true, exclusive: true, synchronous: true },
  place() {
    const path = join(directory, `${++places}.db`);
    return { open: () => openNodeStore({ path }) };
  },
});
