/** Colours of the series, for light and dark surroundings. Ours are the blues. */
const SERIES: readonly (readonly [light: string, dark: string])[] = [
  ["#1d4ed8", "#60a5fa"],
  ["#0e9384", "#2dd4bf"],
  ["#7c3aed", "#b69cff"],
  ["#d9580d", "#fb923c"],
  ["#b8860b", "#e3b93c"],
  ["#c4243b", "#fb7185"],
  ["#a3219a", "#f08ae8"],
  ["#5b7c1f", "#a3c957"],
  ["#6b7280", "#9ca3af"],
];

const series = (which: 0 | 1): string =>
  SERIES.map((colours, number) => `--s${number}: ${colours[which]};`).join(" ");

const LIGHT = `--paper: #ffffff; --ink: #14181f; --soft: #5a6473; --line: #dde2e9; --faint: #eff2f6; --band: #f6f8fa;
  --good: #0b7a4b; --bad: #b42318; --mark: #14181f; ${series(0)}`;
const DARK = `--paper: #11151b; --ink: #e8ecf2; --soft: #9aa5b4; --line: #2c3440; --faint: #1f2630; --band: #161b22;
  --good: #4ade9a; --bad: #ff8f85; --mark: #f4f6f9; ${series(1)}`;

/** The style of the report. */
export const REPORT_STYLE = `
:root { color-scheme: light dark; ${LIGHT} }
@media (prefers-color-scheme: dark) { :root { ${DARK} } }
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 15px/1.5 system-ui, "Segoe UI", sans-serif; }
main { max-width: 1020px; margin: 0 auto; padding: 32px 24px 64px; }
h1 { font-size: 26px; line-height: 1.2; margin: 0 0 8px; letter-spacing: -0.01em; }
h2 { font-size: 19px; margin: 44px 0 6px; }
p { max-width: 74ch; margin: 6px 0 12px; }
.soft, .lead { color: var(--soft); }
.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(170px, 1fr)); gap: 12px; margin: 22px 0 8px; }
.figures div { background: var(--band); border: 1px solid var(--line); border-radius: 8px; padding: 12px 14px; }
.figures b { display: block; font-size: 24px; line-height: 1.25; font-variant-numeric: tabular-nums; }
.figures span { color: var(--soft); font-size: 13px; }
.legend { display: flex; flex-wrap: wrap; gap: 4px 18px; margin: 10px 0 4px; padding: 0; list-style: none; font-size: 13px; }
.legend svg { width: 14px; height: 14px; vertical-align: -2px; margin-right: 6px; overflow: visible; }
figure { margin: 18px 0 26px; }
figure > svg { display: block; width: 100%; height: auto; font: 12px system-ui, "Segoe UI", sans-serif; }
svg text { fill: var(--ink); }
svg .title { font-size: 13.5px; font-weight: 600; }
svg .tick { text-anchor: middle; fill: var(--soft); font-size: 11px; }
svg .zero { fill: var(--soft); font-size: 11px; }
svg .axis { text-anchor: end; fill: var(--soft); font-size: 11px; }
svg .band { fill: var(--band); }
svg .grid { stroke: var(--line); }
svg .minor { stroke: var(--faint); }
svg .mark { stroke: var(--mark); stroke-width: 2.5; }
svg [class^="s"] > * { stroke: var(--paper); stroke-width: 1; }
${SERIES.map((_, number) => `svg .s${number} { fill: var(--s${number}); }`).join("\n")}
figure > .narrow { display: none; }
@media (max-width: 680px) {
  main { padding: 24px 16px 48px; }
  figure > .wide { display: none; }
  figure > .narrow { display: block; }
  .figures { grid-template-columns: 1fr 1fr; }
}
.scroll { overflow-x: auto; }
table { border-collapse: collapse; font-size: 13px; font-variant-numeric: tabular-nums; width: 100%; }
th, td { padding: 4px 10px; text-align: left; border-bottom: 1px solid var(--line); vertical-align: top; white-space: nowrap; }
th { color: var(--soft); font-weight: 600; }
th.number, .number { text-align: right; }
.why { white-space: normal; color: var(--soft); font-size: 12px; }
.explained td { border-bottom: 0; }
.held { color: var(--good); font-weight: 600; }
.missed { color: var(--bad); font-weight: 600; }
details { margin: 10px 0; }
summary { cursor: pointer; font-weight: 600; padding: 4px 0; }
`;
