import { describe, expect, it } from "vitest";
import {
  cellAfterKey,
  cellAt,
  cellOfPage,
  fittingLevel,
  type Level,
  layoutFor,
  levelsFor,
  pagesOfCell,
} from "../src/page/map/map-layout.ts";

const layout = layoutFor(100, { pagesPerCell: 1, cellSize: 10 }, 85);

describe("the layout of the map", () => {
  it("puts as many cells in a row as fit", () => {
    expect(layout).toMatchObject({ columns: 8, rows: 13, cells: 100, height: 130 });
  });

  it("has no more columns than cells", () => {
    expect(layoutFor(3, { pagesPerCell: 1, cellSize: 10 }, 500)).toMatchObject({ columns: 3, rows: 1 });
  });

  it("says which cell is at a point, and that none is beside the map", () => {
    expect(cellAt(layout, 0, 0)).toBe(0);
    expect(cellAt(layout, 79, 19)).toBe(15);
    expect(cellAt(layout, 80, 5)).toBeUndefined();
    expect(cellAt(layout, 45, 125)).toBeUndefined();
    expect(cellAt(layout, 35, 125)).toBe(99);
  });

  it("gives several pages to a cell, fewer to the last one", () => {
    const coarse = layoutFor(10, { pagesPerCell: 4, cellSize: 4 }, 100);
    expect(coarse.cells).toBe(3);
    expect(pagesOfCell(coarse, 0)).toEqual([1, 4]);
    expect(pagesOfCell(coarse, 2)).toEqual([9, 10]);
    expect([1, 4, 5, 10].map((page) => cellOfPage(coarse, page))).toEqual([0, 0, 1, 2]);
  });
});

describe("levels of detail", () => {
  it("go from many pages in a cell to large cells", () => {
    const levels = levelsFor(25_600);
    expect(levels[0]).toEqual({ pagesPerCell: 8192, cellSize: 4 });
    expect(levels.at(-1)).toEqual({ pagesPerCell: 1, cellSize: 28 });
  });

  it.each([
    [7_139, { pagesPerCell: 1, cellSize: 6 }],
    [25_600, { pagesPerCell: 2, cellSize: 4 }],
    [1_000_000, { pagesPerCell: 64, cellSize: 4 }],
    [40, { pagesPerCell: 1, cellSize: 28 }],
  ])("the one that fits %i pages is as fine as it can be", (pages, expected) => {
    const levels = levelsFor(pages);
    const at = fittingLevel(levels, pages, 690, 384);
    expect(levels[at]).toEqual(expected);
    expect(layoutFor(pages, levels[at] as Level, 690).height).toBeLessThanOrEqual(384);
  });
});

describe("keys", () => {
  it("go to the neighbours, and stop at the edges", () => {
    expect(cellAfterKey(layout, 9, "ArrowLeft", 5)).toBe(8);
    expect(cellAfterKey(layout, 0, "ArrowLeft", 5)).toBe(0);
    expect(cellAfterKey(layout, 9, "ArrowDown", 5)).toBe(17);
    expect(cellAfterKey(layout, 9, "ArrowUp", 5)).toBe(1);
    expect(cellAfterKey(layout, 1, "ArrowUp", 5)).toBe(1);
    expect(cellAfterKey(layout, 99, "ArrowDown", 5)).toBe(99);
  });

  it("go far with Home, End and the page keys", () => {
    expect(cellAfterKey(layout, 50, "Home", 5)).toBe(0);
    expect(cellAfterKey(layout, 50, "End", 5)).toBe(99);
    expect(cellAfterKey(layout, 50, "PageUp", 5)).toBe(10);
    expect(cellAfterKey(layout, 50, "PageDown", 5)).toBe(90);
  });

  it("that mean nothing move nothing", () => {
    expect(cellAfterKey(layout, 9, "a", 5)).toBeUndefined();
    expect(cellAfterKey(layout, 9, "constructor", 5)).toBeUndefined();
  });
});
