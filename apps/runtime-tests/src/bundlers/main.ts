import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { syncHandler } from "@lacuna/server";
import { openServedFile, serveNode } from "@lacuna/server/node";
import { launchChromium } from "../runtimes/chromium.ts";
import { makeSample } from "../sample.ts";
import { bundlers, importMap } from "./bundlers.ts";

/**
 * The built packages through Vite, webpack and esbuild as they come, and through an import map without any bundler: a page
 * in Chromium connects, asks, and asks again without the network after it was reloaded.
 */
const root = fileURLToPath(new URL("../../../../", import.meta.url));
const scratch = mkdtempSync(join(tmpdir(), "lacuna-bundlers-"));
const sample = join(scratch, "sample.db");
makeSample(sample);
const database = await openServedFile(sample);
const server = await serveNode({ handler: syncHandler({ database }), port: 0 });
const browser = await launchChromium();
let failed = 0;

for (const name of [...Object.keys(bundlers), "import map"]) {
  const directory = join(scratch, name);
  mkdirSync(directory);
  try {
    await bundlers[name]?.(directory);
    const site = await serve(name === "import map" ? root : directory, pageFor(name));
    const tab = await browser.newPage();
    await tab.goto(site.url);
    const asked = async (online: boolean): Promise<string> =>
      JSON.stringify(
        await tab.evaluate(([url, on]) => Reflect.get(globalThis, "ask")(url, on), [
          server.url,
          online,
        ] as const),
      );
    const answers = [await asked(true)];
    await tab.reload();
    answers.push(await asked(false));
    await tab.close();
    site.close();
    const right = answers.every((answer) => answer === '{"name":"person 1234"}');
    if (!right) throw new Error(`answered ${answers.join(" and ")}`);
    console.log(`${name}: passed`);
  } catch (error) {
    failed++;
    console.log(`${name}: failed: ${error instanceof Error ? error.message : String(error)}`);
  }
}

await browser.close();
await server.close();
await database.close();
rmSync(scratch, { recursive: true, force: true });
process.exitCode = failed === 0 ? 0 : 1;

function pageFor(name: string): string {
  if (name !== "import map") return '<!doctype html><script type="module" src="/page.js"></script>';
  const map = JSON.stringify(importMap(root));
  const script = readFileSync(new URL("./page.js", import.meta.url), "utf8");
  return `<!doctype html><script type="importmap">${map}</script><script type="module">${script}</script>`;
}

/** Serves a directory as any static host does. */
async function serve(directory: string, page: string): Promise<{ readonly url: string; close(): void }> {
  const types: Readonly<Record<string, string>> = { ".js": "text/javascript", ".wasm": "application/wasm" };
  const host = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url ?? "/", "http://host").pathname));
    const file = join(directory, path);
    if (path === "/") response.setHeader("content-type", "text/html").end(page);
    else if (statSync(file, { throwIfNoEntry: false })?.isFile() === true) {
      response
        .setHeader("content-type", types[extname(file)] ?? "application/octet-stream")
        .end(readFileSync(file));
    } else response.writeHead(404).end();
  });
  await new Promise<void>((resolve) => host.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${(host.address() as AddressInfo).port}`, close: () => host.close() };
}
