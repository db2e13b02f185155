import { isBuiltin } from "node:module";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { build } from "vite";
import { describe, expect, it } from "vitest";

interface Bundle {
  readonly code: string;
  /** Every source file in it. */
  readonly modules: readonly string[];
  /** What it imports from outside. */
  readonly imports: readonly string[];
}

async function bundle(entry: string): Promise<Bundle> {
  const result = await build({
    configFile: false,
    logLevel: "silent",
    resolve: { conditions: ["lacuna-source", "worker", "browser"] },
    build: {
      write: false,
      minify: true,
      target: "es2023",
      modulePreload: false,
      rolldownOptions: {
        input: join(import.meta.dirname, "../src", entry),
        preserveEntrySignatures: "strict",
        external: (name: string) => isBuiltin(name),
      },
    },
  });
  const outputs = (Array.isArray(result) ? result : [result]).flatMap((each) =>
    "output" in each ? each.output : [],
  );
  const chunks = outputs.filter((each) => each.type === "chunk");
  return {
    code: chunks.map(({ code }) => code).join("\n"),
    modules: chunks.flatMap(({ moduleIds }) => moduleIds),
    imports: chunks.flatMap(({ imports, dynamicImports }) => [...imports, ...dynamicImports]),
  };
}

describe("the reader, bundled for the edge", () => {
  it("holds no SQLite, no adapter for files, and needs nothing from outside", async () => {
    const { modules, imports, code } = await bundle("reader/index.ts");
    expect(modules.filter((id) => /packages\/lacuna\/src\/reader\/reader\.ts$/.test(id))).toHaveLength(1);
    expect(modules.filter((id) => /sqlite|wasm|\/node\/|transport\/src\/file\//.test(id))).toEqual([]);
    expect(imports).toEqual([]);
    expect(code).not.toMatch(/["'`]node:/);
  });

  it("is at most 40 KiB minified and compressed", async () => {
    const { code } = await bundle("reader/index.ts");
    expect(gzipSync(code).length).toBeLessThanOrEqual(40 * 1024);
  });
});
