/** A value of a series in a row of the plot. */
export interface Dot {
  /** Which of the series, from 0. */
  readonly series: number;
  readonly value: number;
  /** Shown when somebody points at it. */
  readonly title: string;
}

export interface DotRow {
  readonly label: string;
  readonly dots: readonly Dot[];
  /** Where a line is drawn across the row: what cannot be beaten. */
  readonly mark?: number | undefined;
}

export interface DotPlot {
  readonly title: string;
  readonly rows: readonly DotRow[];
  /** What the numbers of the axis are; the axis is logarithmic. */
  readonly axis: string;
}

/** How a plot lies on the page, in its own units, which are pixels where there is room for all of it. */
interface Layout {
  readonly className: string;
  readonly width: number;
  readonly rowHeight: number;
  /** From the left edge to the plot. */
  readonly left: number;
  /** Where the label of a row ends or begins, and how far its text stands below the top of the row. */
  readonly label: { readonly x: number; readonly anchor: "end" | "start"; readonly y: number };
  /** From the top of a row to the middle of its dots. */
  readonly dots: number;
}

/** Labels beside their dots; and on phones, above them. */
const LAYOUTS: readonly Layout[] = [
  {
    className: "wide",
    width: 960,
    rowHeight: 22,
    left: 240,
    label: { x: 232, anchor: "end", y: 15 },
    dots: 11,
  },
  {
    className: "narrow",
    width: 400,
    rowHeight: 40,
    left: 0,
    label: { x: 6, anchor: "start", y: 14 },
    dots: 28,
  },
];

const TOP = 30;
const BOTTOM = 34;
const RIGHT = 24;

/** Shapes tell the series apart where colours do not: circle, square, triangle, diamond, in turn. */
const SHAPES: readonly ((x: number, y: number, r: number) => string)[] = [
  (x, y, r) => `<circle cx="${x}" cy="${y}" r="${r}"/>`,
  (x, y, r) => `<rect x="${x - r}" y="${y - r}" width="${2 * r}" height="${2 * r}"/>`,
  (x, y, r) => `<path d="M${x} ${y - r * 1.15}L${x + r * 1.1} ${y + r * 0.85}H${x - r * 1.1}Z"/>`,
  (x, y, r) =>
    `<path d="M${x} ${y - r * 1.3}L${x + r * 1.3} ${y}L${x} ${y + r * 1.3}L${x - r * 1.3} ${y}Z"/>`,
];

/** The sign of a series, for the plot and its legend. Class `sN` gives the colour. */
export function seriesSign(series: number, x: number, y: number, radius = 5): string {
  const shape = SHAPES[series % SHAPES.length];
  return shape === undefined ? "" : `<g class="s${series}">${shape(x, y, radius)}</g>`;
}

/** Rows of dots over a logarithmic axis, as SVG that goes into a page: once for wide screens and once for narrow ones. */
export const dotPlot = (plot: DotPlot): string =>
  `<figure>${LAYOUTS.map((layout) => plotIn(layout, plot)).join("\n")}</figure>`;

function plotIn(layout: Layout, { title, rows, axis }: DotPlot): string {
  const { width, rowHeight, left, label, dots: dotsY } = layout;
  const values = rows.flatMap(({ dots, mark }) => [...dots.map(({ value }) => value), mark ?? 0]);
  const positive = values.filter((value) => value > 0);
  const low = stepBelow(Math.min(1e9, ...positive));
  const high = Math.max(low * 5, ...positive) * 1.12;
  const span = Math.log10(high / low);
  const plotWidth = width - left - RIGHT;
  // Nothing at all has no place on such an axis: it stands at its left end, and a 0 beside it.
  const xOf = (value: number): number =>
    round(left + 8 + (value <= 0 ? 0 : (Math.log10(value / low) / span) * (plotWidth - 8)));
  const height = TOP + rows.length * rowHeight + BOTTOM;
  const bottom = height - BOTTOM;
  const parts: string[] = [];
  for (const tick of ticks(low, high)) {
    const x = xOf(tick.value);
    parts.push(
      `<line class="${tick.isMain ? "grid" : "minor"}" x1="${x}" x2="${x}" y1="${TOP - 6}" y2="${bottom}"/>`,
    );
    if (tick.isMain) {
      parts.push(`<text class="tick" x="${x}" y="${bottom + 16}">${plain(tick.value)}</text>`);
    }
  }
  parts.push(`<text class="axis" x="${width - RIGHT}" y="${bottom + 30}">${escapeHtml(axis)}</text>`);
  for (const [number, row] of rows.entries()) {
    const y = TOP + number * rowHeight;
    if (number % 2 === 0) {
      parts.push(`<rect class="band" x="0" width="${width}" y="${y}" height="${rowHeight}"/>`);
    }
    const { x, anchor } = label;
    parts.push(`<text x="${x}" y="${y + label.y}" text-anchor="${anchor}">${escapeHtml(row.label)}</text>`);
  }
  for (const [number, { dots, mark }] of rows.entries()) {
    const y = TOP + number * rowHeight + dotsY;
    if (mark !== undefined && mark > 0) {
      const x = xOf(mark);
      parts.push(`<line class="mark" x1="${x}" x2="${x}" y1="${y - 9}" y2="${y + 9}"/>`);
    }
    if (dots.some(({ value }) => value <= 0)) {
      parts.push(`<text class="zero" x="${xOf(0) + 11}" y="${y + 4}">0</text>`);
    }
    // The first series is the one to be seen: it comes last, over the others.
    for (const dot of [...dots].sort((a, b) => b.series - a.series)) {
      const sign = seriesSign(dot.series, xOf(dot.value), y, dot.series === 0 ? 6 : 4.5);
      parts.push(`<g><title>${escapeHtml(dot.title)}</title>${sign}</g>`);
    }
  }
  return `<svg class="${layout.className}" viewBox="0 0 ${width} ${height}" role="img" aria-label="${escapeHtml(title)}">
<text class="title" x="0" y="15">${escapeHtml(title)}</text>
${parts.join("\n")}
</svg>`;
}

function ticks(low: number, high: number): { readonly value: number; readonly isMain: boolean }[] {
  const found: { value: number; isMain: boolean }[] = [];
  for (let decade = 10 ** Math.floor(Math.log10(low) + 1e-9); decade <= high; decade *= 10) {
    for (const step of [1, 2, 5]) {
      const value = decade * step;
      if (value >= low * 0.999 && value <= high)
        found.push({ value, isMain: step === 1 || high / low < 500 });
    }
  }
  return found;
}

/** The largest of 1, 2 and 5 times a power of ten that is not above the value. */
function stepBelow(value: number): number {
  const decade = 10 ** Math.floor(Math.log10(value) + 1e-9);
  return decade * ([5, 2].find((step) => decade * step <= value) ?? 1);
}

const plain = (value: number): string => Number(value.toPrecision(2)).toLocaleString("en");
const round = (value: number): number => Math.round(value * 10) / 10;

export function escapeHtml(text: string): string {
  return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;").replace(/"/g, "&quot;");
}
