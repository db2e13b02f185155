/** One line of the demo's table: what a query cost. */
export interface Cost {
  readonly query: string;
  readonly rows: number;
  readonly requests: number;
  readonly pages: number;
  readonly bytes: number;
  /** Share of the database file that travelled, in per cent. */
  readonly percent: number;
  readonly milliseconds: number;
}

const HEADINGS = ["query", "rows", "requests", "pages", "bytes", "% of file", "ms"] as const;
const QUERY_WIDTH = 74;

const cells = (cost: Cost): string[] => [
  cost.query.length > QUERY_WIDTH ? `${cost.query.slice(0, QUERY_WIDTH - 1)}…` : cost.query,
  cost.rows.toLocaleString("en"),
  cost.requests.toLocaleString("en"),
  cost.pages.toLocaleString("en"),
  cost.bytes.toLocaleString("en"),
  cost.percent.toFixed(2),
  cost.milliseconds.toFixed(1),
];

/** The costs as lines of text, with a last line that adds them up. */
export function costTable(costs: readonly Cost[]): string {
  const sum = (pick: (cost: Cost) => number): number => costs.reduce((total, cost) => total + pick(cost), 0);
  const total: Cost = {
    query: "in all",
    rows: sum((cost) => cost.rows),
    requests: sum((cost) => cost.requests),
    pages: sum((cost) => cost.pages),
    bytes: sum((cost) => cost.bytes),
    percent: sum((cost) => cost.percent),
    milliseconds: sum((cost) => cost.milliseconds),
  };
  const lines = [[...HEADINGS], ...costs.map(cells), cells(total)];
  const widths = HEADINGS.map((_, column) => Math.max(...lines.map((line) => line[column]?.length ?? 0)));
  const rule = widths.map((width) => "-".repeat(width)).join("  ");
  const text = lines.map((line) =>
    line
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  "),
  );
  return [text[0], rule, ...text.slice(1, -1), rule, text.at(-1)].join("\n");
}
