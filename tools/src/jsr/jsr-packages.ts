import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { type JsrManifest, jsrManifest, NOT_ON_JSR } from "./jsr-manifest.ts";

export interface JsrPackage {
  /** Its folder below `packages/`. */
  readonly folder: string;
  /** What its `jsr.json` has to say. */
  readonly manifest: JsrManifest;
}

/** The packages of the workspace that are on JSR. */
export async function jsrPackages(root: string): Promise<JsrPackage[]> {
  const versions = catalog(await readFile(join(root, "pnpm-workspace.yaml"), "utf8"));
  const folders = (await readdir(join(root, "packages"))).filter((folder) => !NOT_ON_JSR.has(folder));
  return Promise.all(
    folders.sort().map(async (folder) => {
      const npm = JSON.parse(await readFile(join(root, "packages", folder, "package.json"), "utf8"));
      return { folder, manifest: jsrManifest(npm, versions) };
    }),
  );
}

/** The text of a `jsr.json`. */
export const jsrText = (manifest: JsrManifest): string => `${JSON.stringify(manifest, null, 2)}\n`;

/** The versions of the `catalog:` of pnpm. */
function catalog(workspace: string): Map<string, string> {
  const [, lines = ""] = workspace.split(/^catalog:\n/m);
  const entries = lines.matchAll(/^ {2}"?([^":]+)"?: (\S+)$/gm);
  return new Map([...entries].map(([, name = "", version = ""]) => [name, version]));
}
