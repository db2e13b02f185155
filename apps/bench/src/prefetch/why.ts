import type { Cost, Opened } from "./measure.ts";
import { boundMs, type ReportedSystem, type ReportedWorkload, type ReportIndex } from "./report/report.ts";

const kibibytes = (bytes: number): string => `${Math.round(bytes / 1024).toLocaleString("en")} KiB`;
const seconds = (ms: number): string => `${Number((ms / 1000).toPrecision(2))} s`;
const times = (count: number, what: string): string =>
  `${count.toLocaleString("en")} ${what}${count === 1 ? "" : "s"}`;

/** Why a workload took longer than the bound: what of it went into bytes and what into waiting. */
export function whyAboveBound(index: ReportIndex, { bound }: ReportedWorkload, cost: Cost): string {
  if (bound === undefined) return "";
  const profile = index.profile(index.report.mainProfile);
  const above = cost.simulatedMs - boundMs(bound, profile);
  const needless = Math.max(0, cost.receivedBytes - bound.bytes);
  const needlessMs = (needless * 8000) / profile.bandwidthBitsPerSecond;
  const rounds = Math.max(0, above - needlessMs) / profile.rttMs;
  return [
    `${seconds(above)} above the bound, of which ${seconds(needlessMs)} for ${kibibytes(needless)} not needed and ${rounds.toFixed(1)} round trips of waiting`,
    counts(bound, cost),
    ...ownDoing(cost),
  ].join("; ");
}

/** Why another was faster. */
export function whyBehind(
  index: ReportIndex,
  { bound }: ReportedWorkload,
  cost: Cost,
  peer: { readonly system: ReportedSystem; readonly cost: Cost },
): string {
  const { name } = peer.system;
  if (bound === undefined) {
    return `opening brings the first ${kibibytes(cost.receivedBytes)} in ${times(cost.requests, "request")}, which spares later queries some; ${name} takes ${kibibytes(peer.cost.receivedBytes)} in ${times(peer.cost.requests, "request")}`;
  }
  const profile = index.profile(index.report.mainProfile);
  const least = boundMs(bound, profile);
  const theirs = `${name}: ${times(peer.cost.requests, "request")}, ${kibibytes(peer.cost.receivedBytes)}, ${seconds(peer.cost.simulatedMs)}`;
  const behind = `${seconds(cost.simulatedMs - peer.cost.simulatedMs)} behind`;
  const reason =
    peer.cost.simulatedMs < least
      ? `${behind} somebody who beats the bound of ${seconds(least)}: ${times(bound.levels, "level")} that depend on each other take longer than bringing more at once`
      : `${behind}, and ${seconds(cost.simulatedMs - least)} above the bound`;
  return [reason, counts(bound, cost), theirs, ...ownDoing(cost)].join("; ");
}

/** Why compressed pages took longer than raw ones would at their best. */
export function whyNotCompressed(workload: ReportedWorkload, cost: Cost): string {
  const { bytes = 0 } = workload.bound ?? {};
  const reason =
    cost.receivedBytes > 0.95 * bytes
      ? "this content cannot be compressed"
      : `compressed to ${Math.round((100 * cost.receivedBytes) / bytes)} % of what is needed, but waited longer than the bound`;
  return `${reason}; ${facts(workload, cost)}`;
}

/** Why fetching the pages of a query from a static host took so many requests. */
export function whyManyRanges({ opening, work }: Opened): string {
  const { requests, receivedBytes, simulatedMs } = opening;
  const lists = work.own?.cache?.requests;
  const asked = lists === undefined ? "" : `, which were asked for as ${times(lists, "list")} of pages`;
  return `${times(requests, "request")} for scattered pages${asked}, ${kibibytes(receivedBytes)} and ${seconds(simulatedMs)} with opening`;
}

/** What there is to know about a cost, for whoever asks why. */
export function facts({ bound }: ReportedWorkload, cost: Cost): string {
  return [...(bound === undefined ? [] : [counts(bound, cost)]), ...ownDoing(cost)].join("; ");
}

const counts = (bound: { readonly levels: number; readonly bytes: number }, cost: Cost): string =>
  `${times(cost.requests, "request")} and ${kibibytes(cost.receivedBytes)} for ${times(bound.levels, "level")} and ${kibibytes(bound.bytes)}`;

function ownDoing({ own }: Cost): string[] {
  const parts: string[] = [];
  const { runAhead, cache } = own ?? {};
  if (runAhead !== undefined && runAhead.runs > 0) {
    parts.push(
      `${times(runAhead.runs, "run")} ahead, ${runAhead.failed} failed, ${runAhead.skipped} skipped`,
      `${runAhead.named} pages named ahead, ${runAhead.reached} of them read`,
    );
  }
  if (cache !== undefined) {
    const { demandPages, prefetch } = cache;
    parts.push(
      `${demandPages} pages on demand, ${prefetch.used + prefetch.late} of ${prefetch.fetched} ahead used`,
    );
  }
  return parts;
}
