import type { TreeMap } from "./tree-map.ts";

/** The tables of a database, without SQLite's own. */
export function treeNames(trees: TreeMap | undefined): string[] {
  return (trees?.trees ?? [])
    .filter(({ kind, name }) => kind === "table" && !name.startsWith("sqlite_"))
    .map(({ name }) => name);
}
