import { copyFile, mkdir } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "esbuild";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The files of the page as they are. */
const FILES = ["index.html", "style.css", "icon.svg"];

/** Builds the page in a directory that any static host can serve, out of the sources of the packages. */
export async function buildPage(directory: string): Promise<void> {
  await mkdir(directory, { recursive: true });
  await build({
    entryPoints: {
      app: here("./page/app.ts"),
      // Looked for by this name beside the bundle: it keeps pages in the browser's storage.
      "file-worker": here("./page/file-worker.ts"),
    },
    outdir: directory,
    bundle: true,
    splitting: true,
    minify: true,
    format: "esm",
    platform: "browser",
    target: "es2023",
    mainFields: ["module", "main"],
    conditions: ["lacuna-source", "browser"],
    external: ["node:*"],
    logLevel: "error",
  });
  for (const file of FILES) await copyFile(here(`./page/${file}`), join(directory, file));
  const wasm = import.meta.resolve("@sqlite.org/sqlite-wasm/sqlite3.wasm");
  await copyFile(fileURLToPath(wasm), join(directory, "sqlite3.wasm"));
}
