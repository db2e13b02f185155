import { isBuiltin } from "node:module";
import { posix } from "node:path";
import type { Violation } from "./rules.ts";
import type { SourceFile, WorkspacePackage } from "./workspace.ts";

/**
 * Entries that are not for Node and yet load a `node:` module, by whatever way. Types are erased, and a dynamic import
 * is a door that opens only where the code walks through it: neither counts.
 * @param mayUseNode whether a file belongs to a node entry
 */
export function reachesNode(
  { entries, manifest, name }: WorkspacePackage,
  packages: readonly WorkspacePackage[],
  mayUseNode: (path: string) => boolean,
): Violation[] {
  const violations: Violation[] = [];
  for (const [subpath, sources] of entries) {
    for (const source of sources.filter((path) => !mayUseNode(path))) {
      const way = wayToNode(source, packages, mayUseNode);
      if (way === undefined) continue;
      const entry = name + subpath.slice(1);
      violations.push({
        where: `${manifest}:1`,
        rule: `${entry} must run anywhere, and reaches ${way.join(" -> ")}`,
      });
    }
  }
  return violations;
}

/** The shortest way from a file to a `node:` module, as `file:line` and at last the module. */
function wayToNode(
  start: string,
  packages: readonly WorkspacePackage[],
  mayUseNode: (path: string) => boolean,
): string[] | undefined {
  const files = new Map<string, SourceFile>(
    packages.flatMap((each) => each.files.map((file) => [file.path, file])),
  );
  const ways: { path: string; way: string[] }[] = [{ path: start, way: [] }];
  const seen = new Set([start]);
  for (const { path, way } of ways) {
    for (const { specifier, line, kind } of files.get(path)?.imports ?? []) {
      if (kind !== "value") continue;
      const step = [...way, `${path}:${line}`];
      if (isBuiltin(specifier)) return [...step, specifier];
      for (const target of resolve(specifier, path, packages, mayUseNode)) {
        if (seen.has(target)) continue;
        seen.add(target);
        ways.push({ path: target, way: step });
      }
    }
  }
  return undefined;
}

/** The source files an import leads to; none for packages from outside. */
function resolve(
  specifier: string,
  from: string,
  packages: readonly WorkspacePackage[],
  mayUseNode: (path: string) => boolean,
): readonly string[] {
  if (specifier.startsWith(".")) return [posix.join(posix.dirname(from), specifier)];
  for (const { name, entries } of packages) {
    if (specifier !== name && !specifier.startsWith(`${name}/`)) continue;
    const sources = entries.get(`.${specifier.slice(name.length)}`) ?? [];
    // An entry with a file for Node beside one for everywhere gives each platform its own.
    const anywhere = sources.filter((path) => !mayUseNode(path));
    return anywhere.length > 0 ? anywhere : sources;
  }
  return [];
}
