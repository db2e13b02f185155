import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeTransport } from "@lacuna/testkit";
import { fileTransport } from "../src/file/index.ts";
import { makeDatabase } from "./make-database.ts";

describeTransport({
  name: "fileTransport",
  capabilities: { query: false, oneRequest: true, anything: true },
  database: makeDatabase,
  serve: async (file) => {
    const folder = await mkdtemp(join(tmpdir(), "lacuna-file-"));
    const path = join(folder, "made.db");
    await writeFile(path, file);
    return {
      transport: () => fileTransport({ path }),
      replace: async (next) => {
        await writeFile(`${path}.next`, next);
        await rename(`${path}.next`, path);
      },
      stop: () => rm(folder, { recursive: true }),
    };
  },
});
