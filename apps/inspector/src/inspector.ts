import { mkdtemp, rm } from "node:fs/promises";
import { createRequire } from "node:module";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { syncHandler } from "@lacuna/server";
import { openServedFile, type ServedFile, serveNode } from "@lacuna/server/node";
import { publishDirectory } from "@lacuna/server/node/publish";
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
 * @param options.port 0 takes any free one
 * @param options.published publishes the sample as a directory, too, which takes some seconds
 */
export async function serveInspector(options: {
  readonly port: number;
  readonly published: boolean;
}): Promise<ServedInspector> {
  const directory = await mkdtemp(join(tmpdir(), "lacuna-inspector-"));
  const published = join(directory, "published");
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
    if (options.published) await publish(database, published);
    const handler = pageHandler(directory, () => ({ samples }), published);
    const page = await serveNode({ handler, port: options.port });
    if (options.published) {
      samples.push({ label: "WordNet, published", url: `${page.url}/published/manifest.lacuna` });
    }
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

async function publish(database: ServedFile, directory: string): Promise<void> {
  const view = await database.open();
  try {
    await publishDirectory(view, directory);
  } finally {
    await view.close();
  }
}
