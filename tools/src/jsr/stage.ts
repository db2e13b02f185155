import { copyFile, cp, mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type JsrPackage, jsrText } from "./jsr-packages.ts";

/** As in `tsconfig.base.json`; Deno is strict by itself. */
const compilerOptions = {
  lib: [
    "es2024",
    "esnext.disposable",
    "esnext.typedarrays",
    "dom",
    "dom.iterable",
    "dom.asynciterable",
    "deno.ns",
  ],
  noUncheckedIndexedAccess: true,
  exactOptionalPropertyTypes: true,
};

/**
 * Copies what is published to JSR into a directory of its own, as a workspace of Deno: beside a package.json it would take
 * the dependencies from npm. SQLite's WebAssembly comes along as a script, which has to be built.
 */
export async function stage(root: string, packages: readonly JsrPackage[], directory: string): Promise<void> {
  for (const { folder, manifest } of packages) {
    const from = join(root, "packages", folder);
    const to = join(directory, folder);
    await mkdir(to, { recursive: true });
    await cp(join(from, "src"), join(to, "src"), { recursive: true });
    await copyFile(join(from, "README.md"), join(to, "README.md"));
    await writeFile(join(to, "jsr.json"), jsrText(manifest));
  }
  await copyFile(
    join(root, "packages/sqlite/dist/carried-wasm.js"),
    join(directory, "sqlite/src/carried-wasm.ts"),
  );
  const workspace = packages.map(({ folder }) => `./${folder}`);
  await writeFile(join(directory, "deno.json"), JSON.stringify({ workspace, compilerOptions }));
}
