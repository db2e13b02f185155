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
    plugins: [anywhere],
    logLevel: "error",
    // Pages of the shows load it over and over.
    sourcemap: entry === "show" ? false : "inline",
  });
}
