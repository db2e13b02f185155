import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join, relative, sep } from "node:path";
import { type ImportSite, scanImports } from "./scan-imports.ts";

export interface SourceFile {
  /** From the root of the workspace, with forward slashes. */
  readonly path: string;
  readonly imports: readonly ImportSite[];
}

export interface WorkspacePackage {
  /** The folder under `packages/`. */
  readonly folder: string;
  readonly name: string;
  /** Path of its package.json from the root. */
  readonly manifest: string;
  /** Packages users get with it, with the line each is declared in. */
  readonly dependencies: ReadonlyMap<string, number>;
  /** By subpath, such as `.` or `./node`: the source files it may lead to. */
  readonly entries: ReadonlyMap<string, readonly string[]>;
  readonly files: readonly SourceFile[];
}

/** Reads every package under `packages/` of a workspace. */
export function readWorkspace(root: string): WorkspacePackage[] {
  const folders = readdirSync(join(root, "packages"), { withFileTypes: true }).filter((entry) =>
    entry.isDirectory(),
  );
  return folders
    .map(({ name }) => name)
    .filter((folder) => existsSync(join(root, "packages", folder, "package.json")))
    .sort()
    .map((folder) => readPackage(root, folder));
}

function readPackage(root: string, folder: string): WorkspacePackage {
  const manifest = `packages/${folder}/package.json`;
  const text = readFileSync(join(root, manifest), "utf8");
  const json = JSON.parse(text);
  const dependencies = new Map<string, number>();
  for (const field of ["dependencies", "peerDependencies", "optionalDependencies"]) {
    for (const name of Object.keys(json[field] ?? {})) {
      const section = text.indexOf(`"${field}"`);
      dependencies.set(name, text.slice(0, text.indexOf(`"${name}"`, section)).split("\n").length);
    }
  }
  const entries = new Map<string, readonly string[]>();
  for (const [subpath, target] of Object.entries(json.exports ?? {})) {
    const sources = leavesOf(target).filter((leaf) => leaf.startsWith("./src/"));
    if (sources.length > 0)
      entries.set(
        subpath,
        sources.map((leaf) => `packages/${folder}/${leaf.slice(2)}`),
      );
  }
  return { folder, name: json.name, manifest, dependencies, entries, files: readSources(root, folder) };
}

function readSources(root: string, folder: string): SourceFile[] {
  const source = join(root, "packages", folder, "src");
  if (!existsSync(source)) return [];
  return readdirSync(source, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
    .map((entry) => join(entry.parentPath, entry.name))
    .sort()
    .map((file) => ({
      path: relative(root, file).split(sep).join("/"),
      imports: scanImports(readFileSync(file, "utf8")),
    }));
}

function leavesOf(target: unknown): string[] {
  if (typeof target === "string") return [target];
  if (typeof target !== "object" || target === null) return [];
  return Object.values(target).flatMap(leavesOf);
}
