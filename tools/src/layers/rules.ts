import { isBuiltin } from "node:module";
import { posix } from "node:path";
import { reachesNode } from "./node-reach.ts";
import type { SourceFile, WorkspacePackage } from "./workspace.ts";

export interface Violation {
  /** `file:line`, from the root of the workspace. */
  readonly where: string;
  readonly rule: string;
}

/** The house, from the ground up. A package imports packages of rows before its own only. */
export const ROWS: readonly (readonly string[])[] = [
  ["page"],
  ["btree", "protocol"],
  ["storage", "transport", "cache", "prefetch", "pager"],
  ["sqlite"],
  ["sync", "server"],
  ["lacuna"],
  ["cli"],
];
/** Stands outside: knows the contracts only, and nothing that is published to run depends on it. */
const TESTKIT = "testkit";
const VAGUE_NAMES = ["utils", "core", "common"];

/** Everything in the packages that goes against the direction of the house. */
export function checkRules(packages: readonly WorkspacePackage[]): Violation[] {
  const folders = new Map(packages.map((each) => [each.name, each.folder]));
  return packages.flatMap((each) => [
    ...checkName(each),
    ...[...each.dependencies].flatMap(([name, line]) => {
      const rule = directionRule(each.folder, name, folders);
      return rule === undefined ? [] : [{ where: `${each.manifest}:${line}`, rule }];
    }),
    ...each.files.flatMap((file) => checkFile(each, file, folders)),
    ...reachesNode(each, packages, mayUseNode),
  ]);
}

/** True for source files that run on Node, Deno and Bun only and may import `node:` modules. */
export function mayUseNode(path: string): boolean {
  const [, folder, , ...rest] = path.split("/");
  if (folder === "cli") return true;
  if (folder === "transport" && rest[0] === "file") return true;
  return rest.slice(0, -1).includes("node") || /^(.*\.)?node\.ts$/.test(rest.at(-1) ?? "");
}

function checkName({ folder, name, manifest }: WorkspacePackage): Violation[] {
  const where = `${manifest}:1`;
  const last = name.split("/").at(-1) ?? name;
  if (VAGUE_NAMES.includes(folder) || VAGUE_NAMES.includes(last)) {
    return [{ where, rule: `no package is called ${VAGUE_NAMES.join(", ")}: name it after what it does` }];
  }
  if (folder !== TESTKIT && rowOf(folder) === -1) {
    return [
      { where, rule: `packages/${folder} has no row yet: add it to ROWS in tools/src/layers/rules.ts` },
    ];
  }
  return [];
}

function checkFile(
  { folder, name, dependencies }: WorkspacePackage,
  { path, imports }: SourceFile,
  folders: ReadonlyMap<string, string>,
): Violation[] {
  const violations: Violation[] = [];
  for (const { specifier, line, kind } of imports) {
    const add = (rule: string): void => {
      violations.push({ where: `${path}:${line}`, rule });
    };
    if (specifier.startsWith(".")) {
      const target = posix.join(posix.dirname(path), specifier);
      if (!target.startsWith(`packages/${folder}/src/`))
        add(`${specifier} leaves the package: import it by name`);
    } else if (isBuiltin(specifier)) {
      if (kind !== "type" && !mayUseNode(path)) {
        add(`${specifier} may be imported in files of a node entry only (a folder node/, or node.ts)`);
      }
    } else if (!specifier.startsWith("#")) {
      // A name with "#" is one of the package's own files, by its "imports".
      const imported = packageOf(specifier);
      const rule = imported === name ? undefined : directionRule(folder, imported, folders);
      if (imported === name) add(`${specifier} is this package itself: import the file`);
      else if (rule !== undefined) add(rule);
      else if (!dependencies.has(imported)) add(`${imported} is imported and not among the dependencies`);
    }
  }
  return violations;
}

/** Why the package in `folder` may not depend on `name`; `undefined` if it may. */
function directionRule(
  folder: string,
  name: string,
  folders: ReadonlyMap<string, string>,
): string | undefined {
  const target = folders.get(name);
  if (target === undefined) {
    return name.startsWith("@lacuna/") ? `${name} is no package under packages/` : undefined;
  }
  if (target === TESTKIT) return `${folder} may not depend on testkit, which is for tests (devDependencies)`;
  if (folder === TESTKIT)
    return target === "page" ? undefined : `testkit depends on page only, not on ${target}`;
  const [own, other] = [rowOf(folder), rowOf(target)];
  if (own === -1 || other === -1 || other < own) return undefined;
  return other === own
    ? `${folder} and ${target} are in one row and do not know each other: they meet at the contracts below`
    : `${folder} is below ${target}: imports point down only`;
}

const rowOf = (folder: string): number => ROWS.findIndex((row) => row.includes(folder));

const packageOf = (specifier: string): string =>
  specifier.split("/", specifier.startsWith("@") ? 2 : 1).join("/");
