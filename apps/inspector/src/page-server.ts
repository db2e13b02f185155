import { readFile } from "node:fs/promises";
import { extname, join } from "node:path";
import type { Handler } from "@lacuna/server";
import type { PageConfig } from "./page/shell/config.ts";

const OCTETS = "application/octet-stream";

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

/** What a published directory has, and nothing else. */
const PUBLISHED = /^\/published\/(manifest\.lacuna|(?:segments|structure)\/[\da-f]{64}\.bin)$/;

/**
 * Serves a built page.
 * @param config is put into it; asked for with every request
 * @param published a directory made by `lacuna publish`, under `/published/`
 */
export function pageHandler(directory: string, config: () => PageConfig, published: string): Handler {
  return async (request) => {
    const { pathname } = new URL(request.url);
    const [, file] = PUBLISHED.exec(pathname) ?? [];
    if (file !== undefined) return answer(await read(join(published, file)), { "content-type": OCTETS });
    const name = pathname === "/" ? "index.html" : pathname.slice(1);
    const type = TYPES[extname(name)];
    // Names of the build have no directories; anything else could lead out of it.
    const isName = /^[\w-]+(?:\.[\w-]+)*$/.test(name);
    const bytes = isName && type !== undefined ? await read(join(directory, name)) : undefined;
    const headers = {
      "content-type": type ?? OCTETS,
      "content-security-policy": POLICY,
      "x-content-type-options": "nosniff",
      "referrer-policy": "no-referrer",
      "cache-control": "no-cache",
    };
    return answer(
      name === "index.html" && bytes !== undefined ? withConfig(bytes, config()) : bytes,
      headers,
    );
  };
}

function answer(
  body: string | Uint8Array<ArrayBuffer> | undefined,
  headers: Record<string, string>,
): Response {
  return body === undefined ? new Response("not found\n", { status: 404 }) : new Response(body, { headers });
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
