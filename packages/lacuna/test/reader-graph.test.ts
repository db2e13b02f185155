import { isBuiltin } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build, type Rolldown } from "vite";
import { beforeAll, describe, expect, it } from "vitest";

type Chunk = Rolldown.OutputChunk;

const packages = join(import.meta.dirname, "../..");

async function bundle(entry: string): Promise<Chunk[]> {
  const result = await build({
    configFile: false,
    logLevel: "silent",
    // For a server, in which Vite adds no code of its own to imports on demand.
    ssr: { noExternal: true, resolve: { conditions: ["lacuna-source", "worker", "browser"] } },
    build: {
      ssr: true,
      write: false,
      minify: true,
      target: "es2023",
      modulePreload: false,
      rolldownOptions: {
        input: join(import.meta.dirname, "../src", entry),
        preserveEntrySignatures: "allow-extension",
        external: (name: string) => isBuiltin(name),
      },
    },
  });
  const outputs = (Array.isArray(result) ? result : [result]).flatMap((each) =>
    "output" in each ? each.output : [],
  );
  return outputs.filter((each) => each.type === "chunk");
}

/** Paths below the packages. */
const modulesOf = (chunks: readonly Chunk[]): string[] =>
  chunks.flatMap(({ moduleIds }) => moduleIds).map((id) => id.replace(`${packages}/`, ""));

const nameOf = ({ facadeModuleId }: Chunk): string => facadeModuleId?.replace(`${packages}/`, "") ?? "";

const REMOTES = [
  "lacuna/src/reader/sync-server-pages.ts",
  "transport/src/http-range/index.ts",
  "transport/src/published/index.ts",
];

describe("the reader, bundled for the edge", () => {
  let chunks: Chunk[];
  beforeAll(async () => {
    chunks = await bundle("reader/index.ts");
  });

  /** These chunks and all that they import, which is loaded with them. */
  function loadedWith(first: readonly Chunk[]): Chunk[] {
    const loaded = new Set(first);
    for (const { imports } of loaded) {
      for (const chunk of chunks) if (imports.includes(chunk.fileName)) loaded.add(chunk);
    }
    return [...loaded];
  }

  it("holds no SQLite, no adapter for files, and needs nothing from outside", () => {
    const modules = modulesOf(chunks);
    expect(modules).toContain("lacuna/src/reader/reader.ts");
    expect(modules.filter((id) => /sqlite|wasm|\/node\/|transport\/src\/file\//.test(id))).toEqual([]);
    const own = chunks.map(({ fileName }) => fileName);
    const imports = chunks.flatMap(({ imports, dynamicImports }) => [...imports, ...dynamicImports]);
    expect(imports.filter((name) => !own.includes(name))).toEqual([]);
    for (const { code } of chunks) expect(code).not.toMatch(/["'`]node:/);
  });

  it("holds nothing of writing, pushing and pulling", () => {
    const foreign = modulesOf(chunks).filter((id) =>
      /pager\/src\/(?:pager\.ts|open-pager|versioned-pages|transaction|local\/|rebase\/)|sync\/src\/(?:synced|push|pull|changes)|pipeline|difference|deferred-sync|\/with-(?:retry|timeout)/.test(
        id,
      ),
    );
    expect(foreign).toEqual([]);
  });

  it("loads on demand what reaches each kind of remote, finds out the kind, hydrates, and keeps files in memory", () => {
    const onDemand = chunks.filter(({ isDynamicEntry }) => isDynamicEntry).map(nameOf);
    const others = [
      "lacuna/src/detect-remote.ts",
      "storage/src/memory/memory-file.ts",
      "sync/src/hydrate-now.ts",
    ];
    expect(onDemand.sort()).toEqual([...REMOTES, ...others].sort());
    const atStart = modulesOf(loadedWith(chunks.filter(({ isEntry }) => isEntry)));
    expect(atStart).toContain("lacuna/src/reader/reader.ts");
    const early = /protocol\/|transport\/src\/(?:http-|sync-server|published|detect)|hydrat/;
    expect(atStart.filter((id) => early.test(id))).toEqual([]);
  });

  it.each(REMOTES)("is at most 40 KiB minified and compressed, with %s", (remote) => {
    const [reaching] = chunks.filter((chunk) => nameOf(chunk) === remote);
    if (reaching === undefined) throw new Error(`expected a chunk for ${remote}`);
    const loaded = loadedWith([...chunks.filter(({ isEntry }) => isEntry), reaching]);
    const bytes = loaded.reduce((sum, { code }) => sum + gzipSync(code).length, 0);
    expect(bytes).toBeLessThanOrEqual(40 * 1024);
  });
});
