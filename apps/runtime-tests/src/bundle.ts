import { readFileSync } from "node:fs";
import { dirname } from "node:path";
import { fileURLToPath } from "node:url";
import { build, type Plugin } from "esbuild";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));

/** The suites import vitest; bundles get the part of it that runs anywhere. */
const anywhere: Plugin = {
  name: "vitest-anywhere",
  setup({ onResolve }) {
    onResolve({ filter: /^vitest$/ }, () => ({ path: here("./anywhere/vitest.ts") }));
  },
};

/** What examples name by way of example is replaced by what is there. */
const PLACES: readonly (readonly [RegExp, string])[] = [
  [/process\.argv\[2\] \?\? "[^"]*"/g, "lacunaSurroundings.server"],
  [/"https:\/\/app\.example\.com"/g, "lacunaSurroundings.server"],
  [/"https:\/\/example\.com\/app\.db"/g, '(lacunaSurroundings.host + "/sample.db")'],
  [/path: ("[\w.]+\.db")/g, "path: lacunaPath($1)"],
];

/** `readme:packages/page/README.md#1` is the first example of that file, as a module. */
const examples: Plugin = {
  name: "readme-examples",
  setup({ onResolve, onLoad }) {
    onResolve({ filter: /^readme:/ }, ({ path }) => ({ path: path.slice(7), namespace: "readme" }));
    onLoad({ filter: /./, namespace: "readme" }, ({ path }) => {
      const [file = "", number] = path.split("#");
      const blocks = [...readFileSync(here(`../../../${file}`), "utf8").matchAll(/^```ts\n([\s\S]*?)^```/gm)];
      const example = blocks[Number(number) - 1]?.[1];
      if (example === undefined) throw new Error(`${file} has no example ${number}`);
      const contents = PLACES.reduce((text, [example, place]) => text.replace(example, place), example);
      const folder = file === "README.md" ? "packages/lacuna" : dirname(file);
      return { contents, loader: "ts", resolveDir: here(`../../../${folder}`) };
    });
  },
};

/**
 * Bundles an entry of `src/entries` out of the sources of the packages.
 * @param conditions of `exports`, as the runtime has them
 */
export async function bundle(
  entry: string,
  outfile: string,
  conditions: readonly string[],
  platform: "browser" | "neutral",
): Promise<void> {
  await build({
    entryPoints: [here(`./entries/${entry}.ts`)],
    outfile,
    bundle: true,
    format: "esm",
    platform,
    mainFields: ["module", "main"],
    conditions: ["lacuna-source", ...conditions],
    external: ["node:*"],
    plugins: [anywhere, examples],
    logLevel: "error",
    // Pages of the shows load it over and over.
    sourcemap: entry === "show" ? false : "inline",
  });
}
