import type { CheckResult, Finding, PageUse, TreeStats } from "@lacuna/btree/check";
import type { PageNo } from "@lacuna/page";

export interface TreeReport {
  readonly name: string;
  readonly kind: "table" | "index";
  readonly rootPage: number;
  /** Levels: 1 if the root is a leaf. */
  readonly depth: number;
  readonly pages: number;
  readonly interiorPages: number;
  readonly leafPages: number;
  readonly overflowPages: number;
  /** Rows of a table, entries of an index. */
  readonly entries: number;
  readonly payloadBytes: number;
  /** Part of the B-tree pages that is used, 0 to 1. */
  readonly fill: number;
}

export interface SpaceReport {
  readonly pageCount: number;
  /** Pages by what they are used for. */
  readonly uses: Readonly<Partial<Record<PageUse, number>>>;
  /** Bytes of pages on the freelist. */
  readonly freelistBytes: number;
  /** Bytes on B-tree pages that hold nothing. */
  readonly unusedBytes: number;
}

/** Consecutive pages of one use and one tree. */
export interface PageRunReport {
  readonly first: number;
  readonly last: number;
  readonly use: PageUse;
  readonly tree: string | null;
}

export interface FindingReport {
  readonly page: number;
  readonly offset: number;
  readonly tree: string | null;
  readonly message: string;
}

export interface CheckReport {
  readonly findings: readonly FindingReport[];
  /** True if there were more. */
  readonly truncated: boolean;
}

export function treeReport(tree: TreeStats, usableSize: number): TreeReport {
  const { name, kind, root, depth, interiorPages, leafPages, overflowPages, entries, payloadBytes } = tree;
  const treePages = interiorPages + leafPages;
  return {
    name,
    kind,
    rootPage: root,
    depth,
    pages: treePages + overflowPages,
    interiorPages,
    leafPages,
    overflowPages,
    entries,
    payloadBytes,
    fill: treePages === 0 ? 0 : Math.round((1 - tree.unusedBytes / (treePages * usableSize)) * 1000) / 1000,
  };
}

export function spaceReport({ pages, trees }: CheckResult, pageSize: number): SpaceReport {
  const uses: Partial<Record<PageUse, number>> = {};
  for (let page = 1; page <= pages.pageCount; page++) {
    const use = pages.use(page as PageNo);
    uses[use] = (uses[use] ?? 0) + 1;
  }
  const freePages = (uses["freelist-trunk"] ?? 0) + (uses["freelist-leaf"] ?? 0);
  return {
    pageCount: pages.pageCount,
    uses,
    freelistBytes: freePages * pageSize,
    unusedBytes: trees.reduce((sum, { unusedBytes }) => sum + unusedBytes, 0),
  };
}

/** The name of the tree with this root. */
export type TreeName = (root: PageNo | undefined) => string | null;

export function treeNames({ trees }: CheckResult): TreeName {
  const names = new Map(trees.map(({ root, name }) => [root, name]));
  return (root) => (root === undefined ? null : (names.get(root) ?? null));
}

export function pageRuns({ pages }: CheckResult, nameOf: TreeName): PageRunReport[] {
  const runs: { first: number; last: number; use: PageUse; tree: string | null }[] = [];
  for (let page = 1; page <= pages.pageCount; page++) {
    const use = pages.use(page as PageNo);
    const tree = nameOf(pages.root(page as PageNo));
    const run = runs.at(-1);
    if (run !== undefined && run.use === use && run.tree === tree) run.last = page;
    else runs.push({ first: page, last: page, use, tree });
  }
  return runs;
}

export function checkReport({ findings, truncated }: CheckResult, nameOf: TreeName): CheckReport {
  const told = ({ page, offset, root, message }: Finding): FindingReport => {
    return { page, offset, tree: nameOf(root), message };
  };
  return { findings: findings.map(told), truncated };
}
