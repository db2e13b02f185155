import {
  IndexWalk,
  type IndexWalkOptions,
  type KeyColumn,
  TableWalk,
  type TableWalkOptions,
  type Walk,
} from "@lacuna/btree";
import type { PageNo } from "@lacuna/page";
import { GuidedWalk } from "./guided-walk.ts";
import { RangeAhead } from "./range-ahead.ts";
import type { View } from "./view.ts";

/** Bytes asked for ahead: at first, at first where both ends of a range say that all of it is wanted, and at most. */
const FIRST_BYTES = 128 * 1024;
const CERTAIN_BYTES = 1024 * 1024;
const LAST_BYTES = 16 * 1024 * 1024;

export interface GuideOptions {
  readonly signal?: AbortSignal | undefined;
  /** How many entries the reader will still take, at most. @default no bound */
  readonly entriesLeft?: (() => number) | undefined;
}

/** The rows of a range of row ids. */
export function tableRange(
  view: View,
  root: PageNo,
  range: TableWalkOptions,
  guide: GuideOptions,
): GuidedWalk<TableWalk> {
  const { from, to } = range;
  const walk = new TableWalk(view.format, root, range);
  const toLowest =
    from === undefined ? undefined : (page: PageNo) => new TableWalk(view.format, page, { from });
  const toHighest =
    to === undefined ? undefined : (page: PageNo) => new TableWalk(view.format, page, { to, reverse: true });
  return guided(view, root, walk, { toLowest, toHighest, reverse: range.reverse ?? false }, guide);
}

/** The entries of a range of an index, or of a WITHOUT ROWID table. */
export function indexRange(
  view: View,
  root: PageNo,
  columns: readonly KeyColumn[],
  range: IndexWalkOptions,
  guide: GuideOptions,
): GuidedWalk<IndexWalk> {
  const { from, to } = range;
  const { format } = view;
  const walk = new IndexWalk(format, root, columns, range);
  const toLowest =
    from === undefined ? undefined : (page: PageNo) => new IndexWalk(format, page, columns, { from });
  const toHighest =
    to === undefined
      ? undefined
      : (page: PageNo) => new IndexWalk(format, page, columns, { to, reverse: true });
  return guided(view, root, walk, { toLowest, toHighest, reverse: range.reverse ?? false }, guide);
}

/** A walk over every page of a tree in its order. */
export function wholeTree<W extends Walk>(
  view: View,
  root: PageNo,
  walk: W,
  signal: AbortSignal | undefined,
): GuidedWalk<W> {
  const ends = { toLowest: undefined, toHighest: undefined, reverse: false };
  return guided(view, root, walk, ends, { signal }, true);
}

interface Ends {
  readonly toLowest: ((page: PageNo) => Walk) | undefined;
  readonly toHighest: ((page: PageNo) => Walk) | undefined;
  readonly reverse: boolean;
}

function guided<W extends Walk>(
  { snapshot, format }: View,
  root: PageNo,
  walk: W,
  ends: Ends,
  { signal, entriesLeft = () => Number.POSITIVE_INFINITY }: GuideOptions,
  certain = ends.toLowest !== undefined && ends.toHighest !== undefined,
): GuidedWalk<W> {
  const pagesOf = (bytes: number): number => Math.max(1, Math.floor(bytes / snapshot.pageSize));
  const ahead = new RangeAhead({
    root,
    usableSize: format.usableSize,
    pageCount: format.pageCount,
    ...ends,
    firstWindow: pagesOf(certain ? CERTAIN_BYTES : FIRST_BYTES),
    lastWindow: pagesOf(LAST_BYTES),
    entriesLeft,
    peek: (page) => snapshot.peek(page),
  });
  return new GuidedWalk(walk, snapshot, ahead, signal);
}
