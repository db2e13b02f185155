import { displayWidth, truncateToWidth } from "./display-width.ts";
import { printable } from "./printable.ts";
import { type CellValue, hexOf, type RowFormat, realText } from "./row-format.ts";

export interface TableOptions {
  /** Cells of a terminal line; longer lines are cut to it. Absent: nothing is cut. */
  readonly terminalWidth?: number | undefined;
  /**
   * Rows the column widths are taken from. Later rows are written as they come, so that a long result needs no memory;
   * what is wider then sticks out, or is cut on a terminal.
   * @default 500
   */
  readonly measuredRows?: number | undefined;
  /**
   * Tells the number of rows below the table.
   * @default true
   */
  readonly countsRows?: boolean | undefined;
}

const GAP = "  ";
/** A column is cut no further than this on a terminal; the line itself is cut then. */
const NARROWEST = 6;

/**
 * A table for people: columns as wide as their content, numbers to the right, NULL in words, blobs as SQL writes them,
 * one line a row, and the number of rows below.
 */
export function tableFormat({
  terminalWidth,
  measuredRows = 500,
  countsRows = true,
}: TableOptions = {}): RowFormat {
  let header: string[] = [];
  let waiting: Cell[][] = [];
  let layout: Layout | undefined;
  let rows = 0;

  const release = (): string => {
    layout = layOut(header, waiting, terminalWidth);
    const lines = [line(header.map(leftCell), layout, terminalWidth), rule(layout, terminalWidth)];
    for (const cells of waiting) lines.push(line(cells, layout, terminalWidth));
    waiting = [];
    return `${lines.join("\n")}\n`;
  };

  return {
    begin(columns) {
      header = columns.map(printable);
      return "";
    },
    row(values) {
      rows++;
      const cells = values.map(toCell);
      if (layout !== undefined) return `${line(cells, layout, terminalWidth)}\n`;
      waiting.push(cells);
      return waiting.length < measuredRows ? "" : release();
    },
    end: () =>
      (layout === undefined ? release() : "") +
      (countsRows ? `(${rows} ${rows === 1 ? "row" : "rows"})\n` : ""),
  };
}

interface Cell {
  readonly text: string;
  readonly align: "left" | "right";
  readonly empty: boolean;
}

interface Layout {
  readonly widths: readonly number[];
  readonly numeric: readonly boolean[];
}

const leftCell = (text: string): Cell => ({ text, align: "left", empty: false });

function toCell(value: CellValue): Cell {
  if (value === null) return { text: "NULL", align: "left", empty: true };
  if (typeof value === "bigint") return { text: value.toString(), align: "right", empty: false };
  if (typeof value === "number") return { text: realText(value), align: "right", empty: false };
  return leftCell(typeof value === "string" ? printable(value) : `x'${hexOf(value)}'`);
}

function layOut(
  header: readonly string[],
  rows: readonly Cell[][],
  terminalWidth: number | undefined,
): Layout {
  const widths = header.map((name, column) =>
    rows.reduce(
      (width, cells) => Math.max(width, displayWidth(cells[column]?.text ?? "")),
      displayWidth(name),
    ),
  );
  const numeric = header.map((_, column) => {
    const filled = rows.filter((cells) => cells[column]?.empty === false);
    return filled.length > 0 && filled.every((cells) => cells[column]?.align === "right");
  });
  return { widths: terminalWidth === undefined ? widths : shrink(widths, terminalWidth), numeric };
}

/** Takes cells from the widest columns until the line fits, or every column is narrow. */
function shrink(widths: readonly number[], terminalWidth: number): number[] {
  const fitted = [...widths];
  const room = terminalWidth - GAP.length * (fitted.length - 1);
  let total = fitted.reduce((sum, width) => sum + width, 0);
  while (total > room) {
    const widest = Math.max(...fitted);
    if (widest <= NARROWEST) break;
    const next = Math.max(NARROWEST, ...fitted.filter((width) => width < widest));
    const columns = fitted.filter((width) => width === widest).length;
    const step = Math.max(1, Math.min(widest - next, Math.floor((total - room) / columns)));
    for (let column = 0; column < fitted.length && total > room; column++) {
      if (fitted[column] !== widest) continue;
      fitted[column] = widest - step;
      total -= step;
    }
  }
  return fitted;
}

function line(cells: readonly Cell[], layout: Layout, terminalWidth: number | undefined): string {
  const cut = terminalWidth !== undefined;
  const padded = cells.map((cell, column) => {
    const width = layout.widths[column] ?? 0;
    const text = cut ? truncateToWidth(cell.text, width) : cell.text;
    const fill = " ".repeat(Math.max(0, width - displayWidth(text)));
    const right = layout.numeric[column] ?? false;
    return right ? fill + text : text + fill;
  });
  const joined = padded.join(GAP).trimEnd();
  return cut ? truncateToWidth(joined, terminalWidth) : joined;
}

function rule(layout: Layout, terminalWidth: number | undefined): string {
  const joined = layout.widths.map((width) => "─".repeat(width)).join(GAP);
  return terminalWidth === undefined ? joined : joined.slice(0, terminalWidth);
}
