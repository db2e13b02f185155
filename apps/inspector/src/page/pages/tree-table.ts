import type { PageLedger } from "./page-ledger.ts";
import { isHere, PAGE_STATES, type PageState } from "./page-state.ts";
import type { Tree, TreeMap } from "./tree-map.ts";

/** One line of the table that says what the map shows. */
export interface TreeRow {
  /** `undefined`: pages that no page read so far leads to. */
  readonly tree: Tree | undefined;
  /** Pages known to belong to it. */
  readonly pages: number;
  readonly here: number;
  readonly local: number;
  readonly demanded: number;
  readonly segment: number;
  /** Prefetched, for whatever cause. */
  readonly prefetched: number;
  readonly wasted: number;
}

type Column = "local" | "demanded" | "segment" | "wasted" | "prefetched";
type Counts = { [Name in Exclude<keyof TreeRow, "tree">]: number };

/** Pages by tree and state, one row per tree and one for pages whose tree is not known yet. */
export function treeRows(ledger: PageLedger, trees: TreeMap | undefined): TreeRow[] {
  const count = trees?.trees.length ?? 0;
  const rows: Counts[] = Array.from({ length: count + 1 }, () => ({
    pages: 0,
    here: 0,
    local: 0,
    demanded: 0,
    segment: 0,
    prefetched: 0,
    wasted: 0,
  }));
  for (let page = 1; page <= ledger.pageCount; page++) {
    const row = rows[trees?.treeIndex(page) ?? count] as Counts;
    const state = PAGE_STATES[ledger.stateIndex(page)] as PageState;
    row.pages++;
    if (!isHere(state)) continue;
    row.here++;
    row[columnOf(state)]++;
  }
  return rows
    .map((row, index) => ({ ...row, tree: trees?.trees[index] }))
    .filter(({ pages, tree }) => pages > 0 || tree?.root !== undefined);
}

function columnOf(state: PageState): Column {
  if (state === "demand") return "demanded";
  return state === "local" || state === "segment" || state === "wasted" ? state : "prefetched";
}
