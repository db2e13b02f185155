import type { ResultTable } from "../../bench.ts";
import { DEFAULT_SYSTEM, type Report, ReportIndex } from "./report.ts";

const KIBIBYTE = 1024;

/** The tables for the terminal. */
export const reportTables = (report: Report): ResultTable[] => [
  ...numberTables(report),
  ...failureTables(report),
];

/** Ours on each network, everybody on the main one, parts of ours switched off. */
export function numberTables(report: Report): ResultTable[] {
  const index = new ReportIndex(report);
  return [
    ...report.profiles.map((_, profile) => ownTable(index, profile)),
    comparison(index, "requests", ({ requests }) => requests),
    comparison(index, "KiB received", ({ receivedBytes }) => receivedBytes / KIBIBYTE),
    comparison(index, "simulated seconds", ({ simulatedMs }) => simulatedMs / 1000),
    ablation(index),
  ];
}

function ownTable(index: ReportIndex, profile: number): ResultTable {
  const rows = index.report.workloads.flatMap((workload) => {
    const cost = index.cost(workload.id, DEFAULT_SYSTEM, profile);
    if (cost === undefined) return [];
    const { bound } = workload;
    const compressed = index.cost(workload.id, "lacuna-compressed", profile);
    const peer = index.bestPeer(workload.id, profile);
    return [
      [
        workload.name,
        bound?.levels ?? "",
        bound === undefined ? "" : bound.bytes / KIBIBYTE,
        cost.requests,
        cost.receivedBytes / KIBIBYTE,
        cost.simulatedMs / 1000,
        index.ratio(workload, DEFAULT_SYSTEM, profile) ?? "",
        compressed === undefined ? "" : compressed.simulatedMs / 1000,
        peer === undefined ? "" : peer.cost.simulatedMs / 1000,
        peer?.system.name ?? "",
      ],
    ];
  });
  return {
    title: `Lacuna at ${index.profile(profile).name}`,
    columns: [
      ...["workload", "levels", "KiB needed", "requests", "KiB", "s", "× bound", "s compressed"],
      ...["s best peer", "best peer"],
    ],
    rows,
  };
}

type Value = (cost: NonNullable<ReturnType<ReportIndex["cost"]>>) => number;

function comparison(index: ReportIndex, what: string, value: Value): ResultTable {
  const { report } = index;
  const systems = report.systems.filter(({ kind }) => kind !== "ablation");
  return {
    title: `${what} at ${index.profile(report.mainProfile).name}`,
    columns: ["workload", ...systems.map(({ name }) => name.replace("@tursodatabase/sync", "turso sync"))],
    rows: report.workloads.map((workload) => [
      workload.name,
      ...systems.map((system) => {
        const cost = index.cost(workload.id, system.id);
        return cost === undefined ? withoutCost(index, workload.id, system.id) : value(cost);
      }),
    ]),
  };
}

function ablation(index: ReportIndex): ResultTable {
  const { report } = index;
  const systems = report.systems.filter(({ id, kind }) => id === DEFAULT_SYSTEM || kind === "ablation");
  return {
    title: `requests / KiB / simulated ms with parts switched off, at ${index.profile(report.mainProfile).name}`,
    columns: ["workload", ...systems.map(({ name }) => name)],
    rows: report.workloads.map((workload) => [
      workload.name,
      ...systems.map((system) => {
        const cost = index.cost(workload.id, system.id);
        if (cost === undefined) return withoutCost(index, workload.id, system.id);
        return [cost.requests, cost.receivedBytes / KIBIBYTE, cost.simulatedMs]
          .map((value) => Math.round(value).toLocaleString("en"))
          .join(" / ");
      }),
    ]),
  };
}

const FAILURE_TEXT = { late: "no answer", "too-much": "given up", error: "cannot" } as const;

/** What stands in the place of a number. */
function withoutCost(index: ReportIndex, workload: string, system: string): string {
  const failure = index.failure(workload, system);
  return failure === undefined ? "–" : FAILURE_TEXT[failure.kind];
}

/** Who could not do what, and why; no table if everybody could do everything. */
export function failureTables({ failures, systems, workloads }: Report): ResultTable[] {
  if (failures.length === 0) return [];
  const nameOf = (all: readonly { id: string; name: string }[], id: string): string =>
    all.find((one) => one.id === id)?.name ?? id;
  const rows = failures.map(({ system, workload, reason }) => [
    nameOf(systems, system),
    nameOf(workloads, workload),
    reason,
  ]);
  return [{ title: "Without a result", columns: ["system", "workload", "reason"], rows }];
}
