import { readFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { build as esbuild } from "esbuild";
import { build as vite } from "vite";
import webpack from "webpack";

const entry = fileURLToPath(new URL("./page.js", import.meta.url));

/** Bundlers as they come: each makes `page.js`, and what it thinks belongs to it, in a directory. */
export const bundlers: Readonly<Record<string, (directory: string) => Promise<unknown>>> = {
  vite: (outDir) =>
    vite({
      configFile: false,
      logLevel: "error",
      root: dirname(entry),
      base: "./",
      build: {
        outDir,
        emptyOutDir: true,
        rollupOptions: {
          input: entry,
          output: { entryFileNames: "page.js" },
          preserveEntrySignatures: "allow-extension",
        },
      },
    }),
  esbuild: (outdir) =>
    esbuild({
      entryPoints: [entry],
      outdir,
      bundle: true,
      format: "esm",
      platform: "browser",
      logLevel: "error",
    }),
  webpack: (path) =>
    new Promise<void>((resolve, reject) => {
      webpack({ mode: "production", entry, output: { path, filename: "page.js" } }, (error, stats) => {
        if (error !== null) reject(error);
        else if (stats?.hasErrors() === true) reject(new Error(stats.toString("errors-only")));
        else resolve();
      });
    }),
};

/** The workspace packages as an import map, for a page that loads the modules of the packages one by one. */
export function importMap(root: string): { readonly imports: Readonly<Record<string, string>> } {
  const imports: Record<string, string> = {};
  const folders = [
    "page",
    "btree",
    "protocol",
    "storage",
    "transport",
    "cache",
    "prefetch",
    "pager",
    "sqlite",
    "sync",
  ];
  for (const folder of [...folders, "lacuna"]) {
    const directory = join(root, "packages", folder);
    const description = JSON.parse(readFileSync(join(directory, "package.json"), "utf8"));
    const at = (file: string): string => `/${relative(root, join(directory, file))}`;
    for (const [name, target] of Object.entries(description.exports)) {
      const file = forBrowser(target);
      if (file?.endsWith(".js") === true) imports[join(description.name, name)] = at(file);
    }
    for (const [name, target] of Object.entries(description.imports ?? {})) {
      const file = forBrowser(target);
      if (file !== undefined) imports[name] = at(file);
    }
  }
  return { imports };
}

function forBrowser(target: unknown): string | undefined {
  if (typeof target === "string") return target;
  if (typeof target !== "object" || target === null) return undefined;
  for (const [condition, next] of Object.entries(target)) {
    if (condition === "browser" || condition === "default") return forBrowser(next);
  }
  return undefined;
}
