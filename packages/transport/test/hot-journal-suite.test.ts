import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describeTransport } from "@lacuna/testkit";
import { fileTransport } from "../src/file/index.ts";
import { crashWriter } from "./crashed-writer.ts";
import { makeDatabase } from "./make-database.ts";

describeTransport({
  name: "fileTransport beside a hot journal",
  capabilities: { query: false, oneRequest: true, anything: false },
  database: makeDatabase,
  serve: async (file) => {
    const folder = await mkdtemp(join(tmpdir(), "lacuna-journal-"));
    const [whole, path] = [join(folder, "whole.db"), join(folder, "made.db")];
    const crash = async (content: Uint8Array): Promise<void> => {
      await writeFile(whole, content);
      if (content.length === 0) await writeFile(path, content);
      else {
        await crashWriter(whole, `${path}.next`);
        await rename(`${path}.next-journal`, `${path}-journal`);
        await rename(`${path}.next`, path);
      }
    };
    await crash(file);
    return {
      transport: () => fileTransport({ path }),
      replace: crash,
      stop: () => rm(folder, { recursive: true }),
    };
  },
});
