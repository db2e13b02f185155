import { describe, expect, it } from "vitest";
import { firstExample } from "../src/first-example.ts";
import { importedEntries } from "../src/packed-package.ts";
import { runProgram } from "../src/run-program.ts";

describe("firstExample", () => {
  it("is the first block of code that is TypeScript or JavaScript", () => {
    const markdown =
      "# x\n\n```sh\nnpm i\n```\n\n```ts\nconst a = 1;\n\nuse(a);\n```\n\n```js\nother();\n```\n";
    expect(firstExample(markdown)).toBe("const a = 1;\n\nuse(a);\n");
    expect(firstExample(markdown.replaceAll("\n", "\r\n"))).toBe("const a = 1;\n\nuse(a);\n");
  });

  it("is undefined where there is none", () => {
    expect(firstExample("```sh\nnpm i\n```\n")).toBeUndefined();
  });
});

describe("importedEntries", () => {
  it("are the entries with the files they promise, sources left out", () => {
    const target = (name: string) => ({
      "lacuna-source": `./src/${name}.ts`,
      types: `./dist/${name}.d.ts`,
      node: { default: `./dist/${name}.node.js` },
      default: `./dist/${name}.js`,
    });
    const exports = {
      ".": target("index"),
      "./node": target("node/index"),
      "./package.json": "./package.json",
    };
    expect(importedEntries({ name: "@lacuna/x", exports })).toEqual([
      {
        specifier: "@lacuna/x",
        files: ["./dist/index.d.ts", "./dist/index.node.js", "./dist/index.js"],
        script: false,
      },
      {
        specifier: "@lacuna/x/node",
        files: ["./dist/node/index.d.ts", "./dist/node/index.node.js", "./dist/node/index.js"],
        script: false,
      },
    ]);
  });

  it("say which of them is the script of a worker", () => {
    const exports = { "./worker": { types: "./dist/worker.d.ts", default: "./dist/worker.js" } };
    const sideEffects = ["./dist/worker.js"];
    expect(importedEntries({ name: "w", exports, sideEffects })).toMatchObject([{ script: true }]);
    expect(importedEntries({ name: "w", exports, sideEffects: false })).toMatchObject([{ script: false }]);
  });

  it("are none for a package that is a command only", () => {
    const exports = { ".": { types: "./dist/main.d.ts", default: "./dist/main.js" } };
    expect(importedEntries({ name: "c", exports, bin: { c: "./dist/main.js" } })).toEqual([]);
  });
});

describe("runProgram", () => {
  const run = (code: string, timeoutMs?: number) =>
    runProgram(process.execPath, ["-e", code], { cwd: import.meta.dirname, timeoutMs });

  it("gives what the program wrote", async () => {
    expect(await run("console.error('noise'); console.log('news')")).toBe("news\n");
  });

  it("fails with all that the program wrote", async () => {
    await expect(run("console.log('one'); console.error('two'); process.exit(3)")).rejects.toThrow(
      /ended with 3:\n.*one.*two|ended with 3:\n.*two.*one/s,
    );
  });

  it("ends a program that takes too long", async () => {
    await expect(run("setInterval(() => {}, 1000)", 300)).rejects.toThrow("was ended by SIGTERM");
  });

  it("fails if there is no such program", async () => {
    await expect(runProgram("no-such-program-here", [], { cwd: import.meta.dirname })).rejects.toThrow(
      "ENOENT",
    );
  });
});
