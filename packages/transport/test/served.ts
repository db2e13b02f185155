import { mkdtemp, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type Handler, syncHandler } from "@lacuna/server";
import { openServedFile } from "@lacuna/server/node";

/** The real server over a file in a folder of its own. */
export interface Served {
  readonly handler: Handler;
  replace(file: Uint8Array): Promise<void>;
  stop(): Promise<void>;
}

/** The file is offered as `/made.db`. */
export async function serveFile(file: Uint8Array): Promise<Served> {
  const folder = await mkdtemp(join(tmpdir(), "lacuna-served-"));
  const path = join(folder, "made.db");
  await writeFile(path, file);
  const database = await openServedFile(path);
  return {
    handler: syncHandler({ database }),
    replace: async (next) => {
      await writeFile(`${path}.next`, next);
      await rename(`${path}.next`, path);
    },
    stop: async () => {
      await database.close();
      await rm(folder, { recursive: true });
    },
  };
}
