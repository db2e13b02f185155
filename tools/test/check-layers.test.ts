import { spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { checkRules } from "../src/layers/rules.ts";
import { scanImports } from "../src/layers/scan-imports.ts";
import { readWorkspace } from "../src/layers/workspace.ts";

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "lacuna-layers-"));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

function write(path: string, text: string): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

interface MadeUp {
  readonly dependencies?: readonly string[];
  readonly exports?: Record<string, unknown>;
  readonly files?: Record<string, string>;
}

function madeUpPackage(folder: string, { dependencies = [], exports, files = {} }: MadeUp = {}): void {
  const manifest = {
    name: folder === "lacuna" ? "lacuna" : `@lacuna/${folder}`,
    exports: exports ?? { ".": { "lacuna-source": "./src/index.ts", default: "./dist/index.js" } },
    dependencies: Object.fromEntries(dependencies.map((name) => [name, "workspace:*"])),
  };
  write(`packages/${folder}/package.json`, JSON.stringify(manifest, undefined, 2));
  for (const [name, text] of Object.entries({ "index.ts": "", ...files })) {
    write(`packages/${folder}/src/${name}`, text);
  }
}

const violations = (): string[] =>
  checkRules(readWorkspace(root)).map(({ where, rule }) => `${where}: ${rule}`);

describe("the rules of the house", () => {
  it("are kept by imports that point down", () => {
    madeUpPackage("page");
    madeUpPackage("btree", {
      dependencies: ["@lacuna/page"],
      files: { "index.ts": 'import "@lacuna/page";' },
    });
    madeUpPackage("sqlite", {
      dependencies: ["@lacuna/page", "@lacuna/btree", "elsewhere"],
      files: {
        "index.ts": 'export * from "./a.ts";\nimport type { X } from "@lacuna/btree";',
        "a.ts": 'import "elsewhere/b";',
      },
    });
    expect(violations()).toEqual([]);
  });

  it("forbid imports that point up, types too", () => {
    madeUpPackage("page", { files: { "index.ts": '\n\nimport type { X } from "@lacuna/btree";' } });
    madeUpPackage("btree");
    expect(violations()).toEqual([
      "packages/page/src/index.ts:3: page is below btree: imports point down only",
    ]);
  });

  it("forbid imports inside a row", () => {
    madeUpPackage("cache", { files: { "a.ts": 'export { X } from "@lacuna/pager";' } });
    madeUpPackage("pager");
    expect(violations()).toEqual([
      "packages/cache/src/a.ts:1: cache and pager are in one row and do not know each other: they meet at the contracts below",
    ]);
  });

  it("forbid dependencies that point up or are not there, where they are declared", () => {
    madeUpPackage("protocol", { dependencies: ["lacuna", "@lacuna/gone"] });
    madeUpPackage("lacuna");
    expect(violations()).toEqual([
      "packages/protocol/package.json:10: protocol is below lacuna: imports point down only",
      "packages/protocol/package.json:11: @lacuna/gone is no package under packages/",
    ]);
  });

  it("forbid imports that are not declared", () => {
    madeUpPackage("page");
    madeUpPackage("btree", { files: { "index.ts": 'import "@lacuna/page";\nimport "fflate";' } });
    expect(violations()).toEqual([
      "packages/btree/src/index.ts:1: @lacuna/page is imported and not among the dependencies",
      "packages/btree/src/index.ts:2: fflate is imported and not among the dependencies",
    ]);
  });

  it("forbid leaving a package by a path, or entering it by its own name", () => {
    madeUpPackage("page", {
      files: { "a/b.ts": 'import "../../../btree/src/x.ts";\nimport "@lacuna/page";' },
    });
    expect(violations()).toEqual([
      "packages/page/src/a/b.ts:1: ../../../btree/src/x.ts leaves the package: import it by name",
      "packages/page/src/a/b.ts:2: @lacuna/page is this package itself: import the file",
    ]);
  });

  it("keep testkit outside: it knows page only, and only tests know it", () => {
    madeUpPackage("page", { dependencies: ["@lacuna/testkit"] });
    madeUpPackage("btree");
    madeUpPackage("testkit", { dependencies: ["@lacuna/page", "@lacuna/btree"] });
    expect(violations()).toEqual([
      "packages/page/package.json:10: page may not depend on testkit, which is for tests (devDependencies)",
      "packages/testkit/package.json:11: testkit depends on page only, not on btree",
    ]);
  });

  it("forbid packages with a name for anything, and ask for a row for new ones", () => {
    madeUpPackage("utils");
    madeUpPackage("weather");
    expect(violations()).toEqual([
      "packages/utils/package.json:1: no package is called utils, core, common: name it after what it does",
      "packages/weather/package.json:1: packages/weather has no row yet: add it to ROWS in tools/src/layers/rules.ts",
    ]);
  });

  it("forbid node: modules outside of node files, with and without the prefix", () => {
    madeUpPackage("cache", {
      files: {
        "a.ts": 'import { x } from "node:fs";\nawait import("path");\nimport type { S } from "node:stream";',
      },
    });
    const rule = "may be imported in files of a node entry only (a folder node/, or node.ts)";
    expect(violations()).toEqual([
      `packages/cache/src/a.ts:1: node:fs ${rule}`,
      `packages/cache/src/a.ts:2: path ${rule}`,
    ]);
  });

  it("allow node: modules in node entries, the file transport and the command line", () => {
    const text = 'import "node:fs";';
    madeUpPackage("storage", { files: { "node/a.ts": text } });
    madeUpPackage("transport", { files: { "file/a.ts": text } });
    madeUpPackage("lacuna", { files: { "node.ts": text, "store.node.ts": text } });
    madeUpPackage("cli", { files: { "index.ts": text } });
    expect(violations()).toEqual([]);
  });

  it("forbid an entry for everywhere that reaches a node: module, also through another package", () => {
    madeUpPackage("storage", {
      exports: { "./node": { "lacuna-source": "./src/node/index.ts" } },
      files: { "node/index.ts": 'export * from "./files.ts";', "node/files.ts": '\nimport "node:fs";' },
    });
    madeUpPackage("lacuna", {
      dependencies: ["@lacuna/storage"],
      files: { "index.ts": 'export * from "./a.ts";', "a.ts": 'import "@lacuna/storage/node";' },
    });
    expect(violations()).toEqual([
      "packages/lacuna/package.json:1: lacuna must run anywhere, and reaches packages/lacuna/src/index.ts:1 -> " +
        "packages/lacuna/src/a.ts:1 -> packages/storage/src/node/index.ts:1 -> " +
        "packages/storage/src/node/files.ts:2 -> node:fs",
    ]);
  });

  it("let an entry open node files by a dynamic import, or give Node a file of its own", () => {
    madeUpPackage("storage", {
      exports: { "./node": { "lacuna-source": "./src/node/index.ts" } },
      files: { "node/index.ts": 'import "node:fs";' },
    });
    madeUpPackage("sync", {
      exports: { ".": { "lacuna-source": { node: "./src/node.ts", default: "./src/index.ts" } } },
      files: { "node.ts": 'import "node:fs";' },
    });
    madeUpPackage("lacuna", {
      dependencies: ["@lacuna/storage", "@lacuna/sync"],
      files: { "index.ts": 'import "@lacuna/sync";\nconst { x } = await import("@lacuna/storage/node");' },
    });
    expect(violations()).toEqual([]);
  });
});

describe("scanImports", () => {
  it("finds every form of import", () => {
    const source = [
      'import "a";',
      "import x from 'b';",
      'import * as y from "c";',
      'import {\n  type Z,\n  w as v,\n} from "d";',
      'import type { T } from "e";',
      'export * from "f";',
      'export type { U } from "g";',
      'export { q, type r } from "h";',
      'const m = await import("i");',
      'let t: typeof import("j");',
      'import { from } from "k";',
      'import type from "l";',
    ].join("\n");
    expect(scanImports(source).map(({ specifier, line, kind }) => `${specifier}${line} ${kind}`)).toEqual([
      "a1 value",
      "b2 value",
      "c3 value",
      "d4 value",
      "e8 type",
      "f9 value",
      "g10 type",
      "h11 value",
      "i12 dynamic",
      "j13 type",
      "k14 value",
      "l15 value",
    ]);
  });

  it("finds none in comments, strings, templates and regular expressions", () => {
    const source = [
      '// import "a";',
      '/* import "b"; */ const one = "import \'c\'";',
      "const two = 'it\\'s import(\"d\")';",
      `const three = \`import "e"; \${nested(\`import "f"\`, { a: "}" })} import "g"\`;`,
      "const four = /[\"'/] import/; const five = six / 2; const seven = eight / 3;",
      'export const from = "h";',
      'object.import("i");',
      'import "found";',
    ].join("\n");
    expect(scanImports(source)).toEqual([{ specifier: "found", line: 8, kind: "value" }]);
  });
});

describe("check-layers", () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [join(import.meta.dirname, "../src/check-layers.ts"), ...args], {
      encoding: "utf8",
    });

  it("ends with 1 and names file, line and rule on a tree that breaks them", () => {
    madeUpPackage("page", { files: { "index.ts": 'import "@lacuna/btree";' } });
    madeUpPackage("btree");
    const { status, stdout, stderr } = run(root);
    expect(status).toBe(1);
    expect(stderr).toBe("packages/page/src/index.ts:1: page is below btree: imports point down only\n");
    expect(stdout).toBe("2 packages, 2 files: 1 against the rules\n");
  });

  it("ends with 0 on a tree that keeps them", () => {
    madeUpPackage("page");
    const { status, stdout, stderr } = run(root);
    expect([status, stdout, stderr]).toEqual([0, "1 packages, 1 files: all imports point down\n", ""]);
  });
});
