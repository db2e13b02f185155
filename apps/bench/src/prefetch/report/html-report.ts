import type { Bar, ResultTable } from "../../bench.ts";
import { barHolds, foundText, numberText } from "../../result-text.ts";
import type { Cost } from "../measure.ts";
import { type DotRow, dotPlot, escapeHtml, seriesSign } from "./dot-plot.ts";
import { boundMs, DEFAULT_SYSTEM, type Report, type ReportedSystem, ReportIndex } from "./report.ts";
import { REPORT_STYLE } from "./report-style.ts";
import { failureTables, numberTables } from "./tables.ts";

/** The whole report as one page that needs nothing else. */
export function htmlReport(report: Report): string {
  const index = new ReportIndex(report);
  const others = [...report.profiles.keys()].filter((profile) => profile !== report.mainProfile);
  const main = index.profile(report.mainProfile).name;
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Lacuna: queries ahead of the network</title>
<style>${REPORT_STYLE}</style>
</head>
<body>
<main>
<h1>Queries ahead of the network</h1>
<p class="lead">The same queries by Lacuna and by others, over a simulated network in virtual time: what was counted does not
depend on the machine. Every answer was compared with SQLite's own. ${report.quick ? "A short run on small data." : ""}</p>
${stopped(report)}
${keyFigures(index)}
<h2>At ${main}</h2>
<p class="soft">Logarithmic: left is better. The black line is the lower bound: one round trip for each dependent level, and the
bytes of the pages that SQLite touches. Point at a sign for its numbers. Who gave no answer, or was given up, has no sign.</p>
${legend(comparable(report))}
${metricPlot(index, report.mainProfile, "Simulated time, in seconds", "seconds", ({ simulatedMs }) => simulatedMs / 1000)}
${metricPlot(index, report.mainProfile, "Requests", "requests", ({ requests }) => requests)}
${metricPlot(index, report.mainProfile, "Bytes received, in KiB", "KiB", ({ receivedBytes }) => receivedBytes / 1024)}
<h2>Time as a multiple of the bound</h2>
<p class="soft">Lacuna with raw pages on each network. 1 is as fast as anybody can be who asks for every page as soon as its number can
be known; prefetch that looks beyond a statement can be faster than that.</p>
${ratioPlot(index)}
${others.length === 0 ? "" : "<h2>Other networks</h2>"}
${others
  .map((profile) =>
    metricPlot(
      index,
      profile,
      `Simulated time at ${index.profile(profile).name}, in seconds`,
      "seconds",
      ({ simulatedMs }) => simulatedMs / 1000,
    ),
  )
  .join("\n")}
<h2>Parts switched off</h2>
<p class="soft">What each part of prefetch is for: simulated time at ${main} without it.</p>
${ablationPlot(index)}
<h2>Promises</h2>
${promises(report.bars)}
${failureTables(report).map(openTableHtml).join("\n")}
<h2>All numbers</h2>
${numberTables(report).map(tableHtml).join("\n")}
<h2>How it was measured</h2>
${method(report)}
</main>
</body>
</html>
`;
}

/** A run that was stopped is told from one that came to its end. */
function stopped({ workloads, plannedWorkloads }: Report): string {
  const done = workloads.length - 1;
  if (done >= plannedWorkloads) return "";
  return `<p class="missed">Not finished: ${done} of ${plannedWorkloads} workloads.</p>`;
}

const comparable = ({ systems }: Report): ReportedSystem[] =>
  systems.filter(({ kind }) => kind !== "ablation");

function keyFigures(index: ReportIndex): string {
  const { report } = index;
  const held = report.bars.filter(barHolds).length;
  const ratios = report.workloads.flatMap(
    (workload) => index.ratio(workload, DEFAULT_SYSTEM, report.mainProfile) ?? [],
  );
  const speedups = report.workloads.flatMap(({ id }) => {
    const ours = index.cost(id, DEFAULT_SYSTEM);
    const peer = index.bestPeer(id, report.mainProfile);
    if (ours === undefined || peer === undefined || ours.simulatedMs === 0 || id === "open") return [];
    return [peer.cost.simulatedMs / ours.simulatedMs];
  });
  const databases = new Set(report.workloads.map(({ database }) => database)).size;
  const figures: [string, string][] = [
    [`${held} of ${report.bars.length}`, "promises held"],
    [`${median(ratios).toFixed(2)} ×`, "the bound, median of the workloads"],
    [`${median(speedups).toFixed(1)} ×`, "faster than the best of the others, median"],
    [`${ratios.length} workloads`, `over ${databases === 1 ? "1 database" : `${databases} databases`}`],
  ];
  return `<div class="figures">${figures.map(([value, what]) => `<div><b>${value}</b><span>${what}</span></div>`).join("")}</div>`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor(sorted.length / 2)] ?? Number.NaN;
}

function legend(systems: readonly { readonly name: string }[], mark = "lower bound"): string {
  const items = systems.map(
    ({ name }, number) =>
      `<li><svg viewBox="0 0 14 14">${seriesSign(number, 7, 7)}</svg>${escapeHtml(name)}</li>`,
  );
  const line = `<li><svg viewBox="0 0 14 14"><line class="mark" x1="7" x2="7" y1="0" y2="14"/></svg>${mark}</li>`;
  return `<ul class="legend">${items.join("")}${line}</ul>`;
}

function metricPlot(
  index: ReportIndex,
  profile: number,
  title: string,
  axis: string,
  value: (cost: Cost) => number,
): string {
  const { report } = index;
  const rows = report.workloads.map(({ id, name, bound }): DotRow => {
    const dots = comparable(report).flatMap((system, series) => {
      const cost = index.cost(id, system.id, profile);
      return cost === undefined ? [] : [{ series, value: value(cost), title: costText(system.name, cost) }];
    });
    if (bound === undefined || bound.pages === 0) return { label: name, dots };
    const least = { receivedBytes: bound.bytes, requests: bound.levels };
    const simulatedMs = boundMs(bound, index.profile(profile));
    return { label: name, dots, mark: value({ ...least, simulatedMs, sentBytes: 0, cpuMs: 0 }) };
  });
  return dotPlot({ title, axis, rows });
}

const costText = (name: string, { requests, receivedBytes, simulatedMs }: Cost): string =>
  `${name}: ${numberText(requests)} requests, ${numberText(receivedBytes / 1024)} KiB, ${numberText(simulatedMs / 1000)} s`;

function ratioPlot(index: ReportIndex): string {
  const { report } = index;
  const rows = report.workloads.flatMap((workload): DotRow[] => {
    const dots = report.profiles.flatMap(({ name }, series) => {
      const value = index.ratio(workload, DEFAULT_SYSTEM, series);
      return value === undefined
        ? []
        : [{ series, value, title: `${name}: ${value.toFixed(2)} × the bound` }];
    });
    return dots.length === 0 ? [] : [{ label: workload.name, dots, mark: 1 }];
  });
  const plot = dotPlot({ title: "Lacuna, raw pages, simulated time / bound", axis: "× the bound", rows });
  return legend(report.profiles) + plot;
}

function ablationPlot(index: ReportIndex): string {
  const { report } = index;
  const systems = report.systems.filter(({ id, kind }) => id === DEFAULT_SYSTEM || kind === "ablation");
  const rows = report.workloads.flatMap((workload): DotRow[] => {
    const dots = systems.flatMap((system, series) => {
      const cost = index.cost(workload.id, system.id);
      return cost === undefined
        ? []
        : [{ series, value: cost.simulatedMs / 1000, title: costText(system.name, cost) }];
    });
    if (workload.bound === undefined || workload.bound.pages === 0) return [];
    return [
      { label: workload.name, dots, mark: boundMs(workload.bound, index.profile(report.mainProfile)) / 1000 },
    ];
  });
  return legend(systems) + dotPlot({ title: "Simulated time, in seconds", axis: "seconds", rows });
}

/** Those that are missed, with the reasons, before those that are held. */
function promises(bars: readonly Bar[]): string {
  const held = bars.filter(barHolds);
  const missed = bars.filter((bar) => !barHolds(bar));
  const summary = `<summary>${held.length} held</summary>`;
  return `${missed.length === 0 ? "" : barTable(missed)}\n<details>${summary}${barTable(held)}</details>`;
}

function barTable(bars: readonly Bar[]): string {
  const rows = bars.map((bar) => {
    const verdict = barHolds(bar) ? `<td class="held">held</td>` : `<td class="missed">MISSED</td>`;
    const numbers = [foundText(bar), numberText(bar.atMost)].map((text) => `<td class="number">${text}</td>`);
    const row = `${verdict}<td>${escapeHtml(bar.what)}</td>${numbers.join("")}<td>${escapeHtml(bar.unit)}</td>`;
    if (bar.why === undefined) return `<tr>${row}</tr>`;
    return `<tr class="explained">${row}</tr><tr><td></td><td class="why" colspan="4">${escapeHtml(bar.why)}</td></tr>`;
  });
  const head = `<th></th><th>what</th><th class="number">found</th><th class="number">at most</th><th></th>`;
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${rows.join("\n")}</tbody></table></div>`;
}

const tableHtml = (table: ResultTable): string =>
  `<details><summary>${escapeHtml(table.title)}</summary>${cellsHtml(table)}</details>`;

const openTableHtml = (table: ResultTable): string =>
  `<h2>${escapeHtml(table.title)}</h2>\n${cellsHtml(table)}`;

function cellsHtml({ columns, rows }: ResultTable): string {
  const cell = (value: string | number): string =>
    typeof value === "number"
      ? `<td class="number">${numberText(value)}</td>`
      : `<td>${escapeHtml(value)}</td>`;
  const head = columns
    .map((name, column) => {
      const isNumber = rows.some((row) => typeof row[column] === "number");
      return `<th${isNumber ? ` class="number"` : ""}>${escapeHtml(name)}</th>`;
    })
    .join("");
  const body = rows.map((row) => `<tr>${row.map(cell).join("")}</tr>`).join("\n");
  return `<div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${body}</tbody></table></div>`;
}

function method({ databases, node }: Report): string {
  return `<p>Databases: ${databases.map(({ title }) => escapeHtml(title)).join("; ")}. Node ${escapeHtml(node)}.</p>
<p>Every workload starts anew: the database is opened, with 128 KiB where the system takes a prefix, its schema is read, and then the
measurement begins. A request and an answer carry 500 bytes of headers each; bandwidth is shared by what is under way; the
connection is open already, and computing takes no time.</p>
<p>Pages needed are those that SQLite reads when all of the database is here, without those that came at opening. Dependent levels are
the longest chain of pages of which each can only be asked for when the one before is here: a child after its parent, an overflow
chain after the cell that begins it, and a page of a table after the page of the index that has the row id. Statements that run
in turn add up.</p>
<p>sql.js-httpvfs, sqlite-wasm-http (without shared memory) and @tursodatabase/sync without prefetch ask for one thing after another.
They ran once against the same file in this process; their times follow from what they asked for.</p>`;
}
