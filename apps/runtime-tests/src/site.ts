import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { createRequire } from "node:module";
import type { AddressInfo } from "node:net";
import { join } from "node:path";

/**
 * A site for the browser: an empty page, the bundles, and SQLite's WebAssembly. No special headers. And a published directory as
 * `/published/`; as `/damaged/` each of its segments has a byte that was flipped.
 */
export async function serveSite(
  directory: string,
  published: string,
): Promise<{ readonly url: string; close(): void }> {
  const wasm = createRequire(import.meta.url).resolve("@sqlite.org/sqlite-wasm/sqlite3.wasm");
  const files: Readonly<Record<string, readonly [string, string]>> = {
    "/in-browser.js": [join(directory, "in-browser.js"), "text/javascript"],
    "/file-worker.js": [join(directory, "file-worker.js"), "text/javascript"],
    "/sqlite3.wasm": [wasm, "application/wasm"],
  };
  const server = createServer((request, response) => {
    const [, kind, name = ""] = /^\/(published|damaged)\/(.+)$/.exec(request.url ?? "") ?? [];
    if (kind !== undefined) {
      const path = join(published, name);
      const bytes = existsSync(path) ? readFileSync(path) : undefined;
      if (bytes !== undefined && kind === "damaged" && name.startsWith("segments/"))
        bytes.writeUInt8((bytes[0] ?? 0) ^ 1);
      response.statusCode = bytes === undefined ? 404 : 200;
      response.end(bytes);
      return;
    }
    const [file, type] = files[request.url ?? ""] ?? [];
    response.setHeader("content-type", type ?? "text/html");
    response.end(file === undefined ? "<!doctype html><title>tests</title>" : readFileSync(file));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}`, close: () => server.close() };
}
