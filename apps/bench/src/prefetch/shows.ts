import type { Bar } from "../bench.ts";
import { barHolds } from "../result-text.ts";
import type { Opened } from "./measure.ts";
import { boundMs, DEFAULT_SYSTEM, type Report, ReportIndex } from "./report/report.ts";
import { facts, whyAboveBound, whyBehind, whyManyRanges, whyNotCompressed } from "./why.ts";

/** What is promised of single workloads, after `design.md`. */
interface Promised {
  readonly workload: string;
  readonly requests?: number;
  readonly bytes?: number;
  /** Bytes received as a multiple of the pages needed. */
  readonly excess?: number;
  /** Bytes beyond the pages needed. */
  readonly waste?: number;
  /** Simulated time as a multiple of what the bytes take on the line. */
  readonly lineTime?: number;
}

/** What is brought at most before there is a measured reason for more: the first batch of running ahead. */
const WINDOW_BYTES = 131_072;

const PROMISED: readonly Promised[] = [
  { workload: "point", requests: 3, bytes: 65_536 },
  { workload: "lookups-in-turn", requests: 24 },
  { workload: "lookups-in-list", requests: 4 },
  { workload: "latest-of-user", requests: 6, excess: 1.3 },
  { workload: "join", requests: 9 },
  { workload: "count", requests: 10 },
  { workload: "group-by", requests: 10 },
  { workload: "range", requests: 7, excess: 1.25 },
  { workload: "full-scan", requests: 16, excess: 1.02, lineTime: 1.15 },
  { workload: "limit", requests: 2, waste: WINDOW_BYTES },
  { workload: "offset", requests: 12 },
  { workload: "search", requests: 16 },
  { workload: "blob", requests: 6 },
  { workload: "repeated", requests: 0 },
];

/** Measurements that are made besides the workloads. */
export interface Extras {
  /** Opening with the pages of a query, and the query then. */
  readonly bootstrap: Opened;
  /** The same on a static host, which cannot run the query. */
  readonly staticHost: Opened;
  /** Processor time that running ahead took, summed over the workloads. */
  readonly scoutCpuMs: number;
  /** Instances of SQLite for running ahead, after their idle time. */
  readonly idleInstances: number;
}

type AddBar = (bar: Bar, why?: () => string) => void;

/** Every promise with its measured value, as far as it was measured. */
export function shows(report: Report, extras: Extras | undefined): Bar[] {
  const index = new ReportIndex(report);
  const bars: Bar[] = [];
  const add: AddBar = (bar, why) => {
    bars.push(barHolds(bar) || why === undefined ? bar : { ...bar, why: why() });
  };
  addFailures(report, add);
  addPromised(index, add);
  if (extras !== undefined) addExtras(index, extras, add);
  addTimes(index, add);
  return bars;
}

/** A measurement of ours that does not come, or an answer that is not SQLite's. */
function addFailures(report: Report, add: AddBar): void {
  const others = report.systems.filter(({ kind }) => kind === "peer").map(({ id }) => id);
  const ours = report.failures.filter(({ system }) => !others.includes(system));
  add(
    {
      what: "Lacuna without an answer, or with another than SQLite",
      found: ours.length,
      atMost: 0,
      unit: "measurements",
    },
    () => ours.map(({ workload, system, reason }) => `${workload}, ${system}: ${reason}`).join("; "),
  );
}

function addPromised(index: ReportIndex, add: AddBar): void {
  const { report } = index;
  for (const promised of PROMISED) {
    const workload = report.workloads.find(({ id }) => id === promised.workload);
    const cost = workload === undefined ? undefined : index.cost(workload.id, DEFAULT_SYSTEM);
    if (workload?.bound === undefined || cost === undefined) continue;
    const { name: what, bound } = workload;
    const found: Readonly<Record<keyof Omit<Promised, "workload">, { found: number; unit: string }>> = {
      requests: { found: cost.requests, unit: "requests" },
      bytes: { found: cost.receivedBytes, unit: "bytes" },
      excess: { found: cost.receivedBytes / bound.bytes, unit: "× the bytes needed" },
      waste: { found: cost.receivedBytes - bound.bytes, unit: "bytes not needed" },
      lineTime: {
        found:
          cost.simulatedMs /
          ((cost.receivedBytes * 8000) / index.profile(report.mainProfile).bandwidthBitsPerSecond),
        unit: "× bytes / bandwidth",
      },
    };
    for (const key of Object.keys(found) as (keyof typeof found)[]) {
      const atMost = promised[key];
      if (atMost !== undefined) add({ what, ...found[key], atMost }, () => facts(workload, cost));
    }
  }
}

function addExtras(index: ReportIndex, extras: Extras, add: AddBar): void {
  const { bootstrap, staticHost } = extras;
  const requests = "requests";
  add({ what: "query bootstrap", found: bootstrap.opening.requests, atMost: 1, unit: requests });
  add({ what: "the query then", found: bootstrap.work.requests, atMost: 0, unit: requests });
  const opening = { what: "the same on a static host", found: staticHost.opening.requests, atMost: 8 };
  add({ ...opening, unit: requests }, () => whyManyRanges(staticHost));
  add({ what: "the query then", found: staticHost.work.requests, atMost: 0, unit: requests });
  add({
    what: "processor time of running ahead, of the simulated time saved",
    found: scoutShare(index, extras.scoutCpuMs),
    atMost: 0.1,
    unit: "×",
  });
  add({
    what: "instances for running ahead, when idle",
    found: extras.idleInstances,
    atMost: 0,
    unit: "instances",
  });
}

function addTimes(index: ReportIndex, add: AddBar): void {
  const { report } = index;
  const profile = index.profile(report.mainProfile);
  for (const workload of report.workloads) {
    const { id, name, bound } = workload;
    const cost = index.cost(id, DEFAULT_SYSTEM);
    if (cost === undefined) continue;
    const ratio = index.ratio(workload, DEFAULT_SYSTEM, report.mainProfile);
    if (ratio !== undefined) {
      add({ what: name, found: ratio, atMost: 1.5, unit: "× the bound" }, () =>
        whyAboveBound(index, workload, cost),
      );
    }
    const peer = index.bestPeer(id, report.mainProfile);
    if (peer !== undefined && peer.cost.simulatedMs > 0) {
      const found = cost.simulatedMs / peer.cost.simulatedMs;
      add({ what: name, found, atMost: 1, unit: `× ${peer.system.name}` }, () =>
        whyBehind(index, workload, cost, peer),
      );
    }
    const compressed = index.cost(id, "lacuna-compressed");
    if (bound === undefined || compressed === undefined) continue;
    const line = (bound.bytes * 8000) / profile.bandwidthBitsPerSecond;
    if (line <= bound.levels * profile.rttMs) continue;
    const found = compressed.simulatedMs / boundMs(bound, profile);
    add({ what: name, found, atMost: 1, unit: "× the raw bound, pages compressed" }, () =>
      whyNotCompressed(workload, compressed),
    );
  }
}

/** Of the workloads that were also run without running ahead. */
function scoutShare(index: ReportIndex, scoutCpuMs: number): number {
  let saved = 0;
  for (const { id } of index.report.workloads) {
    const with_ = index.cost(id, DEFAULT_SYSTEM);
    const without = index.cost(id, "without-run-ahead");
    if (with_ !== undefined && without !== undefined) saved += without.simulatedMs - with_.simulatedMs;
  }
  return saved <= 0 ? Number.NaN : scoutCpuMs / saved;
}
