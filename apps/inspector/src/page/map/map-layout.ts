/** How fine the map is: how many pages one cell stands for, and how large it is drawn. */
export interface Level {
  readonly pagesPerCell: number;
  /** CSS pixels from one cell to the next, in both directions. */
  readonly cellSize: number;
}

/** Cells in rows, page 1 at the top left. */
export interface MapLayout extends Level {
  readonly pageCount: number;
  readonly columns: number;
  readonly rows: number;
  readonly cells: number;
  /** CSS pixels, the rows that do not fit the window included. */
  readonly height: number;
}

const CELL_SIZES = [4, 5, 6, 8, 10, 13, 17, 22, 28];

/** Every level for a database, the coarsest first: at most four pages in all there, one page in the largest cell at the end. */
export function levelsFor(pageCount: number): Level[] {
  const levels: Level[] = CELL_SIZES.map((cellSize) => ({ pagesPerCell: 1, cellSize }));
  for (let pagesPerCell = 2; pagesPerCell <= pageCount / 2; pagesPerCell *= 2) {
    levels.unshift({ pagesPerCell, cellSize: CELL_SIZES[0] as number });
  }
  return levels;
}

/** @param width CSS pixels there are for a row */
export function layoutFor(pageCount: number, level: Level, width: number): MapLayout {
  const cells = Math.ceil(pageCount / level.pagesPerCell);
  const columns = Math.max(1, Math.min(cells, Math.floor(width / level.cellSize)));
  const rows = Math.ceil(cells / columns);
  return { ...level, pageCount, cells, columns, rows, height: rows * level.cellSize };
}

/** The finest level at which the whole database fits the window; the coarsest if none does. */
export function fittingLevel(
  levels: readonly Level[],
  pageCount: number,
  width: number,
  height: number,
): number {
  for (let at = levels.length - 1; at > 0; at--) {
    if (layoutFor(pageCount, levels[at] as Level, width).height <= height) return at;
  }
  return 0;
}

/** The cell at a point of the map, `undefined` beside it. */
export function cellAt(layout: MapLayout, x: number, y: number): number | undefined {
  const column = Math.floor(x / layout.cellSize);
  const cell = Math.floor(y / layout.cellSize) * layout.columns + column;
  if (column < 0 || column >= layout.columns || cell < 0 || cell >= layout.cells) return undefined;
  return cell;
}

/** The first and last page of a cell. */
export function pagesOfCell(layout: MapLayout, cell: number): readonly [first: number, last: number] {
  const first = cell * layout.pagesPerCell + 1;
  return [first, Math.min(first + layout.pagesPerCell - 1, layout.pageCount)];
}

export const cellOfPage = (layout: MapLayout, page: number): number =>
  Math.floor((page - 1) / layout.pagesPerCell);

/** Where a key leads from a cell; `undefined` for keys that move nothing. @param visibleRows rows in the window */
export function cellAfterKey(
  layout: MapLayout,
  cell: number,
  key: string,
  visibleRows: number,
): number | undefined {
  const steps: Readonly<Record<string, number>> = {
    ArrowLeft: -1,
    ArrowRight: 1,
    ArrowUp: -layout.columns,
    ArrowDown: layout.columns,
    PageUp: -layout.columns * visibleRows,
    PageDown: layout.columns * visibleRows,
    Home: -layout.cells,
    End: layout.cells,
  };
  const step = Object.hasOwn(steps, key) ? steps[key] : undefined;
  if (step === undefined) return undefined;
  const to = cell + step;
  // Up and down stay where they are at the edge, rather than change the column.
  if ((key === "ArrowUp" || key === "ArrowDown") && (to < 0 || to >= layout.cells)) return cell;
  return Math.max(0, Math.min(layout.cells - 1, to));
}

/** Neighbouring pages that share what is said of them, such as "pages 5 to 8". */
export function pageWords([first, last]: readonly [number, number]): string {
  return first === last
    ? `Page ${first.toLocaleString("en")}`
    : `Pages ${first.toLocaleString("en")} to ${last.toLocaleString("en")}`;
}
