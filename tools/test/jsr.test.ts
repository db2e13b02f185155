import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { describe, expect, it } from "vitest";
import { jsrManifest } from "../src/jsr/jsr-manifest.ts";
import { jsrPackages } from "../src/jsr/jsr-packages.ts";

const root = resolve(import.meta.dirname, "../..");
const packages = await jsrPackages(root);

describe("jsr.json", () => {
  it.each(packages)("of $folder says what its package.json says", async ({ folder, manifest }) => {
    const text = await readFile(join(root, "packages", folder, "jsr.json"), "utf8");
    expect(JSON.parse(text)).toEqual(manifest);
  });

  it("names no package of the workspace that is not on JSR", () => {
    const names = new Set(packages.map(({ manifest }) => manifest.name));
    const wanted = packages.flatMap(({ manifest }) =>
      Object.values(manifest.imports ?? {}).flatMap((target) => /^jsr:(.+)@/.exec(target)?.[1] ?? []),
    );
    expect(wanted.length).toBeGreaterThan(20);
    expect(wanted.filter((name) => !names.has(name))).toEqual([]);
  });
});

describe("jsrManifest", () => {
  const npm = { name: "lacuna", version: "1.2.3", license: "Apache-2.0", exports: {} };

  it("takes the source of each entry, where it depends on the runtime that for Node", () => {
    const target = (name: string) => ({ "lacuna-source": `./src/${name}.ts`, default: `./dist/${name}.js` });
    const exports = {
      ".": target("index"),
      "./reader": { node: target("node"), default: target("everywhere") },
      "./package.json": "./package.json",
    };
    const imports = { "#files": { browser: target("browser"), default: target("files") } };
    const made = jsrManifest({ ...npm, exports, imports }, new Map());
    expect(made.exports).toEqual({ ".": "./src/index.ts", "./reader": "./src/node.ts" });
    expect(made.imports).toEqual({ "#files": "./src/files.ts" });
  });

  it("gives every name a scope and every dependency a version", () => {
    const dependencies = { "@lacuna/page": "workspace:*", lacuna: "workspace:*", else: "catalog:" };
    const made = jsrManifest({ ...npm, dependencies }, new Map([["else", "4.5.6"]]));
    expect(made).toMatchObject({ name: "@lacuna/lacuna", version: "1.2.3" });
    expect(made.imports).toEqual({
      "@lacuna/page": "jsr:@lacuna/page@^1.2.3",
      lacuna: "jsr:@lacuna/lacuna@^1.2.3",
      else: "npm:else@4.5.6",
    });
    expect(() => jsrManifest({ ...npm, dependencies }, new Map())).toThrow("no version of else");
  });

  it("refuses an entry without a source", () => {
    expect(() => jsrManifest({ ...npm, exports: { ".": "./dist/index.js" } }, new Map())).toThrow(
      "names no source",
    );
  });
});
