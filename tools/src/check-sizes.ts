import { resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";

// Bundles entries as an application for browsers would, with the used parts of the packages below them, and ends with 1 if
// one is larger than promised: minified, gzipped, all of its chunks together.

interface Budget {
  readonly entry: string;
  /** The module of the entry, below the root. */
  readonly file: string;
  readonly mostKiB: number;
}

const BUDGETS: readonly Budget[] = [
  { entry: "@lacuna/btree", file: "packages/btree/src/index.ts", mostKiB: 12 },
  { entry: "lacuna/reader", file: "packages/lacuna/src/reader/index.ts", mostKiB: 40 },
];

const root = resolve(process.argv[2] ?? resolve(import.meta.dirname, "../.."));
for (const { entry, file, mostKiB } of BUDGETS) {
  const bytes = await gzippedBytes(resolve(root, file));
  const most = mostKiB * 1024;
  const isTooLarge = bytes > most;
  console.log(`${entry}: ${bytes} of ${most} bytes${isTooLarge ? ", TOO LARGE" : ""}`);
  if (isTooLarge) process.exitCode = 1;
}

async function gzippedBytes(file: string): Promise<number> {
  const built = await build({
    root,
    configFile: false,
    logLevel: "warn",
    resolve: { conditions: ["lacuna-source", "module", "browser"] },
    build: {
      write: false,
      target: "esnext",
      minify: true,
      modulePreload: false,
      rolldownOptions: { input: file, preserveEntrySignatures: "strict" },
    },
  });
  if ("on" in built) throw new Error("BUG: a build that watches");
  let bytes = 0;
  for (const { output } of [built].flat()) {
    for (const part of output) {
      if (part.type === "chunk") bytes += gzipSync(part.code, { level: 9 }).length;
      else throw new Error(`expected chunks of ${file}, found ${part.fileName}`);
    }
  }
  return bytes;
}
