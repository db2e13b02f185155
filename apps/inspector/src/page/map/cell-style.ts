import type { PageLedger } from "../pages/page-ledger.ts";
import { isHere, PAGE_STATES, type PageState } from "../pages/page-state.ts";
import type { TreeMap } from "../pages/tree-map.ts";
import type { MapColors } from "./map-colors.ts";

/** How a cell is drawn. */
export interface CellStyle {
  readonly color: string;
  /** 0 to 1. */
  readonly alpha: number;
  /** An interior page: marked with a dot. */
  readonly dot: boolean;
}

/** Which pages are shown where there are several in a cell, the most telling first. */
const TELLING: readonly PageState[] = ["on the way", "demand", "wasted"];

/**
 * One page has the colour of its state or its tree; several have that of the most telling state, or of most of them, and are
 * the fainter the fewer of them are here.
 */
export function cellStyle(
  { ledger, trees }: { readonly ledger: PageLedger; readonly trees: TreeMap | undefined },
  [first, last]: readonly [number, number],
  byTree: boolean,
  colors: MapColors,
): CellStyle {
  const absent = colors.states[0] as string;
  const states = new Map<number, number>();
  const owners = new Map<number, number>();
  let here = 0;
  for (let page = first; page <= last; page++) {
    const state = ledger.stateIndex(page);
    if (isHere(PAGE_STATES[state] as PageState)) here++;
    if (state !== 0) states.set(state, (states.get(state) ?? 0) + 1);
    if (byTree) {
      const owner = trees?.treeIndex(page) ?? -1;
      owners.set(owner, (owners.get(owner) ?? 0) + 1);
    }
  }
  const pages = last - first + 1;
  const dot = pages === 1 && (trees?.kind(first).endsWith("-interior") ?? false);
  if (byTree) {
    const owner = mostOf(owners) ?? -1;
    if (owner === -1 && here === 0) return { color: absent, alpha: 1, dot };
    const color = owner === -1 ? colors.unknown : colors.tree(owner);
    return { color, alpha: 0.26 + (0.74 * here) / pages, dot };
  }
  const telling = TELLING.map((state) => PAGE_STATES.indexOf(state)).find((state) => states.has(state));
  const state = telling ?? mostOf(states);
  if (state === undefined) return { color: absent, alpha: 1, dot };
  const share = [...states.values()].reduce((sum, each) => sum + each, 0) / pages;
  return { color: colors.states[state] as string, alpha: pages === 1 ? 1 : 0.4 + 0.6 * share, dot };
}

function mostOf(counts: ReadonlyMap<number, number>): number | undefined {
  let most: number | undefined;
  for (const [key, value] of counts) if (most === undefined || value > (counts.get(most) ?? 0)) most = key;
  return most;
}
