import { type BtreePage, IndexWalk, parsePage, TableWalk, type TreeFormat, type Value } from "@lacuna/btree";
import type { CheckResult, PageUse } from "@lacuna/btree/check";
import { isLacunaError, offsetOfPage, type PageNo, type PageSource } from "@lacuna/page";
import { hexOf, realText } from "../format/row-format.ts";
import type { TreeName } from "./space-report.ts";

/** What one page is and holds. */
export interface PageReport {
  readonly page: number;
  /** Where it starts in the file. */
  readonly fileOffset: number;
  readonly use: PageUse;
  readonly tree: string | null;
  readonly treeRoot: number | null;
  /** The page that points to it. */
  readonly parent: number | null;
  /** Of a B-tree page. */
  readonly cells: readonly CellReport[];
  readonly rightChild: number | null;
  readonly firstFreeblock: number | null;
  readonly fragmentedBytes: number | null;
  /** What is wrong with the page, where it could not be read to its end. */
  readonly problem: string | null;
}

export interface CellReport {
  readonly cell: number;
  /** Byte offset in the page. */
  readonly offset: number;
  readonly child: number | null;
  /** Exact: as text where a number cannot hold it. */
  readonly rowid: number | string | null;
  readonly payloadBytes: number | null;
  /** The values, cut off. */
  readonly content: string | null;
}

const PREVIEW = 60;

/** Reads one page. What is wrong with it becomes its `problem`. */
export async function pageReport(
  page: PageNo,
  source: PageSource,
  format: TreeFormat,
  result: CheckResult,
  nameOf: TreeName,
  signal: AbortSignal,
): Promise<PageReport> {
  const { pages } = result;
  const root = pages.root(page);
  const use = pages.use(page);
  const base = {
    page,
    fileOffset: offsetOfPage(page, source.pageSize),
    use,
    tree: nameOf(root),
    treeRoot: root ?? null,
    parent: pages.parent(page) ?? null,
  };
  const none = { cells: [], rightChild: null, firstFreeblock: null, fragmentedBytes: null, problem: null };
  if (!/^(table|index)-/.test(use)) return { ...base, ...none };
  const cells: CellReport[] = [];
  try {
    const view = parsePage(page, await source.read(page, { signal }), format.usableSize);
    const facts = {
      rightChild: view.isLeaf ? null : view.child(view.cellCount),
      firstFreeblock: view.firstFreeblock || null,
      fragmentedBytes: view.fragmentedBytes,
    };
    try {
      if (view.isLeaf) await readLeaf(view, source, format, cells, signal);
      else readInterior(view, cells);
      return { ...base, ...facts, cells, problem: null };
    } catch (error) {
      if (!isLacunaError(error, "CORRUPT_PAGE")) throw error;
      return { ...base, ...facts, cells, problem: error.message };
    }
  } catch (error) {
    if (!isLacunaError(error, "CORRUPT_PAGE")) throw error;
    return { ...base, ...none, problem: error.message };
  }
}

const exact = (rowid: number | bigint): number | string =>
  typeof rowid === "bigint" ? rowid.toString() : rowid;

function readInterior(view: BtreePage, cells: CellReport[]): void {
  for (let cell = 0; cell < view.cellCount; cell++) {
    cells.push({
      cell,
      offset: view.cellOffset(cell),
      child: view.child(cell),
      rowid: view.isTable ? exact(view.rowid(cell)) : null,
      payloadBytes: null,
      content: null,
    });
  }
}

/** A leaf is a tree of its own, which a walk can read. */
async function readLeaf(
  view: BtreePage,
  source: PageSource,
  format: TreeFormat,
  cells: CellReport[],
  signal: AbortSignal,
): Promise<void> {
  const walk = view.isTable
    ? new TableWalk(format, view.page, { bigints: true })
    : new IndexWalk(format, view.page, [], { bigints: true });
  for (;;) {
    const step = walk.step();
    if (step === false) return;
    if (step !== true) {
      walk.supply(step, source.peek(step) ?? (await source.read(step, { signal })));
      continue;
    }
    cells.push({
      cell: walk.cellIndex,
      offset: view.cellOffset(walk.cellIndex),
      child: null,
      rowid: walk instanceof TableWalk ? exact(walk.rowid) : null,
      payloadBytes: walk.record.size,
      content: preview(walk.record.values()),
    });
  }
}

function preview(values: readonly Value[]): string {
  const text = values.map(show).join(", ");
  return text.length > PREVIEW ? `${text.slice(0, PREVIEW)}…` : text;
}

function show(value: Value): string {
  if (value === null) return "NULL";
  if (typeof value === "string") return `'${value.slice(0, PREVIEW)}'`;
  if (typeof value === "number") return realText(value);
  return typeof value === "bigint" ? value.toString() : `x'${hexOf(value.subarray(0, PREVIEW))}'`;
}
