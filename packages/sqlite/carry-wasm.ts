import { copyFileSync, readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { gzipSync } from "node:zlib";

// The last step of the build: a copy of SQLite's WebAssembly beside the modules, and one inside a script.
const wasm = createRequire(import.meta.url).resolve("@sqlite.org/sqlite-wasm/sqlite3.wasm");
copyFileSync(wasm, new URL("dist/sqlite3.wasm", import.meta.url));
const packed = gzipSync(readFileSync(wasm), { level: 9 }).toString("base64");
writeFileSync(
  new URL("dist/carried-wasm.js", import.meta.url),
  `/** SQLite's WebAssembly, gzipped and in base64. */
const PACKED = "${packed}";

export async function carriedWasm() {
  const bytes = Uint8Array.from(atob(PACKED), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return new Uint8Array(await new Response(stream).arrayBuffer());
}
`,
);
