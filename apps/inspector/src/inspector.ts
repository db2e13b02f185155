import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { syncHandler } from "@lacuna/server";
import { openServedFile, serveNode } from "@lacuna/server/node";
import { buildPage } from "./build.ts";
import { pageHandler } from "./page-server.ts";

/** An inspector that is served, with its sample. */
export interface ServedInspector {
  readonly url: string;
  /** The server of the sample. */
  readonly sampleUrl: string;
  close(): Promise<void>;
}

/**
 * Builds the page and serves it on this machine, and beside it a dictionary as a sample.
 * @param port 0 takes any free one
 */
export async function serveInspector(port: number): Promise<ServedInspector> {
  const directory = await mkdtemp(join(tmpdir(), "lacuna-inspector-"));
  await buildPage(directory);
  const file = createRequire(import.meta.url).resolve("wordnet-sqlite/wordnet.dict");
  const database = await openServedFile(file);
  const sample = await serveNode({ handler: syncHandler({ database }), port: 0 });
  const samples = [
    { label: "WordNet, sync server", url: sample.url },
    { label: "WordNet, static file", url: `${sample.url}/wordnet.dict` },
  ];
  const close = async (): Promise<void> => {
    await sample.close();
    await database.close();
    await rm(directory, { recursive: true, force: true });
  };
  try {
    const page = await serveNode({ handler: pageHandler(directory, { samples }), port });
    return {
      url: page.url,
      sampleUrl: sample.url,
      async close() {
        await page.close();
        await close();
      },
    };
  } catch (error) {
    await close();
    throw error;
  }
}
