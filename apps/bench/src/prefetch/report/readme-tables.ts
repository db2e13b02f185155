import { readFile, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { numberText } from "../../result-text.ts";
import { DEFAULT_SYSTEM, type Report, ReportIndex } from "./report.ts";

const README_FILES = ["../../../README.md", "../../../../../README.md"];
const BEGIN = "<!-- bench prefetch: begin -->";
const END = "<!-- bench prefetch: end -->";

/** Workloads of the small table, in its order. */
const SHOWN = [
  ...[
    "point",
    "lookups-in-list",
    "latest-of-user",
    "join",
    "range",
    "group-by",
    "full-scan",
    "search",
    "blob",
  ],
  ...["offset", "browsing", "repeated"],
];

/** Puts the small table between the marks of both READMEs; a README without them is left alone. */
export async function writeReadmeTables(report: Report): Promise<void> {
  for (const file of README_FILES) {
    const path = fileURLToPath(new URL(file, import.meta.url));
    const text = await readFile(path, "utf8");
    await writeFile(path, betweenMarks(text, readmeTable(report)));
  }
}

/** The text with what is between its marks replaced. */
export function betweenMarks(text: string, content: string): string {
  const begin = text.indexOf(BEGIN);
  const end = text.indexOf(END);
  if (begin < 0 || end < begin) return text;
  return `${text.slice(0, begin + BEGIN.length)}\n\n${content}\n\n${text.slice(end)}`;
}

/** The small table, in Markdown. */
export function readmeTable(report: Report): string {
  const index = new ReportIndex(report);
  const lines = [
    ["query", "needed", "levels", "requests", "received", "time", "× bound", "best of the others"],
    [":-", "-:", "-:", "-:", "-:", "-:", "-:", ":-"],
  ];
  for (const id of SHOWN) {
    const workload = report.workloads.find((one) => one.id === id);
    const cost = index.cost(id, DEFAULT_SYSTEM);
    if (workload?.bound === undefined || cost === undefined) continue;
    const ratio = index.ratio(workload, DEFAULT_SYSTEM, report.mainProfile);
    const peer = index.bestPeer(id, report.mainProfile);
    lines.push([
      workload.name,
      kibibytes(workload.bound.bytes),
      numberText(workload.bound.levels),
      numberText(cost.requests),
      kibibytes(cost.receivedBytes),
      seconds(cost.simulatedMs),
      ratio === undefined ? "" : ratio.toFixed(2),
      peer === undefined ? "" : `${seconds(peer.cost.simulatedMs)}, ${peer.system.name}`,
    ]);
  }
  return aligned(lines);
}

const kibibytes = (bytes: number): string => `${numberText(Math.round(bytes / 1024))} KiB`;
const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`;

/** Markdown with columns of one width, as formatters leave it. */
function aligned(lines: readonly (readonly string[])[]): string {
  const widths = (lines[0] ?? []).map((_, column) =>
    Math.max(3, ...lines.map((cells) => cells[column]?.length ?? 0)),
  );
  return lines
    .map((cells) => {
      const padded = cells.map((cell, column) => {
        const width = widths[column] ?? 0;
        const isRight = lines[1]?.[column] === "-:";
        if (/^:?-:?$/.test(cell)) return isRight ? `${"-".repeat(width - 1)}:` : "-".repeat(width);
        return isRight ? cell.padStart(width) : cell.padEnd(width);
      });
      return `| ${padded.join(" | ")} |`;
    })
    .join("\n");
}
