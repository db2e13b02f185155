import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import type { Handler } from "@lacuna/server";
import type { PageConfig } from "./page/shell/config.ts";

const TYPES: Readonly<Record<string, string>> = {
  ".html": "text/html; charset=utf-8",
  ".css": "text/css; charset=utf-8",
  ".js": "text/javascript; charset=utf-8",
  ".svg": "image/svg+xml",
  ".wasm": "application/wasm",
};

/** The page may run its own scripts and SQLite, and fetch databases from anywhere; nothing else. */
const POLICY =
  "default-src 'none'; script-src 'self' 'wasm-unsafe-eval'; style-src 'self'; img-src 'self'; worker-src 'self'; " +
  "connect-src *; form-action 'none'; base-uri 'none'; frame-ancestors 'none'";

/** Serves a built page. @param config is put into it */
export function pageHandler(directory: string, config: PageConfig): Handler {
  return async (request) => {
    const { pathname } = new URL(request.url);
    const name = pathname === "/" ? "index.html" : pathname.slice(1);
    const type = TYPES[extname(name)];
    // Names of the build have no directories; anything else could lead out of it.
    const isName = /^[\w-]+(?:\.[\w-]+)*$/.test(name);
    const bytes = isName && type !== undefined ? await read(join(directory, name)) : undefined;
    if (bytes === undefined || type === undefined) return new Response("not found\n", { status: 404 });
    const headers = {
      "content-type": type,
      "content-security-policy": POLICY,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-cache",
    };
    return new Response(name === "index.html" ? withConfig(bytes, config) : bytes, { headers });
  };
}

async function read(file: string): Promise<Uint8Array<ArrayBuffer> | undefined> {
  try {
    return new Uint8Array(await readFile(file));
  } catch {
    return undefined;
  }
}

function withConfig(html: Uint8Array, config: PageConfig): string {
  // A "<" would end the script.
  const json = JSON.stringify(config).replaceAll("<", "\\u003c");
  return new TextDecoder().decode(html).replace(/(id="config">)\{\}/, (_, start: string) => start + json);
}
