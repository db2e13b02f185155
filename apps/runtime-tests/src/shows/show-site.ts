import { mkdirSync, readFileSync } from "node:fs";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { bundle } from "../bundle.ts";

export interface ShowSite {
  readonly url: string;
  close(): void;
}

type Answer = (request: IncomingMessage, response: ServerResponse) => unknown;

/** Answers with a script. */
export const asScript =
  (text: string): Answer =>
  (_, response) =>
    response.setHeader("content-type", "text/javascript").end(text);

/**
 * A site with an empty page, its script `app.js` and what belongs to it; without special headers, except a content security policy where
 * the address of the page has one as `?policy=`.
 * @param more answers by path
 */
export async function serveShowSite(more: Readonly<Record<string, Answer>>): Promise<ShowSite> {
  // Beside the packages, so that bundles find SQLite's WebAssembly as programs do.
  const directory = fileURLToPath(new URL("../../dist/", import.meta.url));
  mkdirSync(directory, { recursive: true });
  await bundle("show", join(directory, "show.js"), ["browser"], "browser");
  await bundle("file-worker", join(directory, "file-worker.js"), ["browser"], "browser");
  const wasm = createRequire(import.meta.url).resolve("@sqlite.org/sqlite-wasm/sqlite3.wasm");
  const files: Readonly<Record<string, readonly [string, string]>> = {
    "/app.js": [join(directory, "show.js"), "text/javascript"],
    "/file-worker.js": [join(directory, "file-worker.js"), "text/javascript"],
    "/sqlite3.wasm": [wasm, "application/wasm"],
  };
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? "/", "http://site");
    const answer = more[pathname];
    if (answer !== undefined) return void answer(request, response);
    const [file, type] = files[pathname] ?? [];
    response.setHeader("content-type", type ?? "text/html");
    const policy = searchParams.get("policy");
    if (policy !== null) response.setHeader("content-security-policy", policy);
    response.end(
      file === undefined
        ? '<!doctype html><title>show</title><script type="module" src="/app.js"></script>'
        : readFileSync(file),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    close() {
      server.closeAllConnections();
      server.close();
    },
  };
}
