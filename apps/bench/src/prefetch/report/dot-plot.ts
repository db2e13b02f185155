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
  /** @default as they are */
  readonly tickText?: ((value: number) => string) | undefined;
}

const WIDTH = 960;
const LABEL_WIDTH = 256;
const ROW_HEIGHT = 22;
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

/** Rows of dots over a logarithmic axis, as SVG that goes into a page. */
export function dotPlot({ title, rows, axis, tickText = plain }: DotPlot): string {
  const values = rows.flatMap(({ dots, mark }) => [...dots.map(({ value }) => value), mark ?? 0]);
  const positive = values.filter((value) => value > 0);
  const low = stepBelow(Math.min(1e9, ...positive));
  const high = Math.max(low * 5, ...positive) * 1.12;
  const span = Math.log10(high / low);
  const plotWidth = WIDTH - LABEL_WIDTH - RIGHT;
  // Nothing at all has no place on such an axis: it stands at its left end, and a 0 beside it.
  const xOf = (value: number): number =>
    round(LABEL_WIDTH + 8 + (value <= 0 ? 0 : (Math.log10(value / low) / span) * (plotWidth - 8)));
  const height = TOP + rows.length * ROW_HEIGHT + BOTTOM;
  const bottom = height - BOTTOM;
  const parts: string[] = [];
  for (const tick of ticks(low, high)) {
    const x = xOf(tick.value);
    parts.push(
      `<line class="${tick.isMain ? "grid" : "minor"}" x1="${x}" x2="${x}" y1="${TOP - 6}" y2="${bottom}"/>`,
    );
    if (tick.isMain)
      parts.push(`<text class="tick" x="${x}" y="${bottom + 16}">${tickText(tick.value)}</text>`);
  }
  parts.push(`<text class="axis" x="${WIDTH - RIGHT}" y="${bottom + 30}">${escapeHtml(axis)}</text>`);
  for (const [number, row] of rows.entries()) {
    const y = TOP + number * ROW_HEIGHT + ROW_HEIGHT / 2;
    if (number % 2 === 0) {
      parts.push(
        `<rect class="band" x="0" width="${WIDTH}" y="${y - ROW_HEIGHT / 2}" height="${ROW_HEIGHT}"/>`,
      );
    }
    parts.push(`<text class="label" x="${LABEL_WIDTH - 8}" y="${y + 4}">${escapeHtml(row.label)}</text>`);
  }
  for (const [number, { dots, mark }] of rows.entries()) {
    const y = TOP + number * ROW_HEIGHT + ROW_HEIGHT / 2;
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
  return `<svg viewBox="0 0 ${WIDTH} ${height}" role="img" aria-label="${escapeHtml(title)}">
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
