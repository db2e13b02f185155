import type { Bar, ResultTable } from "./bench.ts";

/** A number for people: whole from a hundred on, three significant digits below. */
export function numberText(value: number): string {
  if (Number.isInteger(value) || Math.abs(value) >= 100) return Math.round(value).toLocaleString("en");
  return Number(value.toPrecision(3)).toString();
}

/** The table as lines of text: words to the left, numbers to the right. */
export function tableText({ title, columns, rows }: ResultTable): string {
  const lines = rows.map((row) =>
    row.map((value) => (typeof value === "number" ? numberText(value) : value)),
  );
  const widths = columns.map((name, column) =>
    Math.max(name.length, ...lines.map((cells) => cells[column]?.length ?? 0)),
  );
  const numeric = columns.map((_, column) => rows.every((row) => typeof row[column] === "number"));
  const join = (cells: readonly string[]): string =>
    cells
      .map((cell, column) => {
        const width = widths[column] ?? 0;
        return numeric[column] ? cell.padStart(width) : cell.padEnd(width);
      })
      .join("  ")
      .trimEnd();
  const rule = widths.map((width) => "─".repeat(width)).join("  ");
  return [title, "", join(columns), rule, ...lines.map(join)].join("\n");
}

/** True when the promise is kept. */
export const barHolds = ({ found, atMost }: Bar): boolean => found <= atMost;

/** `held: what: 12.3 of at most 64 MiB`. */
export function barText(bar: Bar): string {
  const verdict = barHolds(bar) ? "held" : "MISSED";
  const why = bar.why === undefined ? "" : `\n        ${bar.why}`;
  return `${verdict}: ${bar.what}: ${foundText(bar)} of at most ${numberText(bar.atMost)} ${bar.unit}${why}`;
}

/** What was found, with as many digits as it takes to see that it is too much. */
export function foundText(bar: Bar): string {
  const text = numberText(bar.found);
  return barHolds(bar) || text !== numberText(bar.atMost)
    ? text
    : Number(bar.found.toPrecision(6)).toString();
}
