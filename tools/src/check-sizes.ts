import { relative, resolve } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";

// Bundles entries as an application for browsers would, with the used parts of the packages below them, and ends with 1 if
// one is larger than promised. Sizes are those of a transfer: minified, each chunk gzipped by itself.
//
// What an entry is allowed covers what is loaded at the start and, where adapters are loaded on demand, the largest one of
// them: what it takes to answer from one remote. The other chunks are told, not limited: all of them together, which no
// program loads, and those that find out what kind a remote is that was not said to be of one.

interface Budget {
  readonly entry: string;
  /** The module of the entry, below the root. */
  readonly file: string;
  /** Modules below the root that are loaded on demand, of which a program needs one. */
  readonly oneOf: readonly string[];
  /** A module below the root that is loaded before one of these, unless the program says which. */
  readonly asking?: string;
  readonly mostKiB: number;
}

const BUDGETS: readonly Budget[] = [
  { entry: "@lacuna/btree", file: "packages/btree/src/index.ts", oneOf: [], mostKiB: 12 },
  {
    entry: "lacuna/reader",
    file: "packages/lacuna/src/reader/index.ts",
    oneOf: [
      "packages/transport/src/http-range/index.ts",
      "packages/lacuna/src/reader/sync-server-pages.ts",
      "packages/transport/src/published/index.ts",
    ],
    asking: "packages/lacuna/src/detect-remote.ts",
    mostKiB: 40,
  },
];

const root = resolve(process.argv[2] ?? resolve(import.meta.dirname, "../.."));
for (const { entry, file, oneOf, asking, mostKiB } of BUDGETS) {
  const chunks = await bundle(file);
  const sizeWith = (...modules: readonly string[]): number => sizeOf(loadedWith(chunks, [file, ...modules]));
  const start = sizeWith();
  const [largest] = oneOf.toSorted((a, b) => sizeWith(b) - sizeWith(a));
  const bytes = largest === undefined ? start : sizeWith(largest);
  const most = mostKiB * 1024;
  const isTooLarge = bytes > most;
  console.log(`${entry}: ${bytes} of ${most} bytes${isTooLarge ? ", TOO LARGE" : ""}`);
  if (isTooLarge) process.exitCode = 1;
  if (oneOf.length === 0) continue;
  console.log(`  at the start: ${start}`);
  for (const each of oneOf) {
    const asked = asking === undefined ? "" : `; after asking what it is: ${sizeWith(each, asking)}`;
    console.log(`  with ${each}: ${sizeWith(each)}${asked}`);
  }
  console.log(`  all ${chunks.length} chunks together: ${sizeOf(chunks)}`);
}

/** What is loaded for these modules: their chunks, and all that those import. */
function loadedWith(
  chunks: readonly Rolldown.OutputChunk[],
  modules: readonly string[],
): Set<Rolldown.OutputChunk> {
  const loaded = new Set<Rolldown.OutputChunk>();
  const load = (chunk: Rolldown.OutputChunk | undefined, what: string): void => {
    if (chunk === undefined) throw new Error(`expected a chunk for ${what}, found none`);
    if (loaded.has(chunk)) return;
    loaded.add(chunk);
    for (const name of chunk.imports)
      load(
        chunks.find(({ fileName }) => fileName === name),
        name,
      );
  };
  for (const module of modules) {
    load(
      chunks.find(({ facadeModuleId: id }) => id && relative(root, id).replaceAll("\\", "/") === module),
      module,
    );
  }
  return loaded;
}

function sizeOf(chunks: Iterable<Rolldown.OutputChunk>): number {
  let bytes = 0;
  for (const { code } of chunks) bytes += gzipSync(code, { level: 9 }).length;
  return bytes;
}

async function bundle(file: string): Promise<Rolldown.OutputChunk[]> {
  const built = await build({
    root,
    configFile: false,
    logLevel: "warn",
    // For a server, in which Vite does not add its loader of style sheets to imports on demand; with the modules of browsers.
    ssr: { noExternal: true, resolve: { conditions: ["lacuna-source", "module", "browser"] } },
    build: {
      ssr: true,
      write: false,
      target: "esnext",
      minify: true,
      modulePreload: false,
      rolldownOptions: {
        input: resolve(root, file),
        // As in an application, whose own entry exports nothing: what chunks share with the entry stays in it.
        preserveEntrySignatures: "allow-extension",
      },
    },
  });
  if ("on" in built) throw new Error("BUG: a build that watches");
  const parts = [built].flat().flatMap(({ output }) => output);
  return parts.map((part) => {
    if (part.type === "chunk") return part;
    throw new Error(`expected chunks of ${file}, found ${part.fileName}`);
  });
}
