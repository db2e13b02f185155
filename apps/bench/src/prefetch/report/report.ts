import type { Bar } from "../../bench.ts";
import type { LowerBound } from "../bound/traced-database.ts";
import type { Cost } from "../measure.ts";
import type { FailureKind } from "../measurer.ts";

export interface ReportedProfile {
  readonly name: string;
  readonly rttMs: number;
  readonly bandwidthBitsPerSecond: number;
}

export interface ReportedSystem {
  readonly id: string;
  readonly name: string;
  readonly kind: "ours" | "peer" | "ablation";
}

export interface ReportedWorkload {
  readonly id: string;
  readonly name: string;
  readonly database: string;
  /** Absent for opening. */
  readonly bound: LowerBound | undefined;
}

/** One workload by one system on one network. */
export interface ReportedResult {
  readonly workload: string;
  readonly system: string;
  /** Which of the profiles, from 0. */
  readonly profile: number;
  readonly cost: Cost;
}

/** A system that could not do a workload. */
export interface ReportedFailure {
  readonly workload: string;
  readonly system: string;
  readonly kind: FailureKind;
  readonly reason: string;
}

/** Everything the bench found. */
export interface Report {
  readonly quick: boolean;
  /** How many workloads there are to be, opening not counted: more than `workloads` has if the run was stopped. */
  readonly plannedWorkloads: number;
  readonly node: string;
  readonly databases: readonly { readonly name: string; readonly title: string }[];
  readonly profiles: readonly ReportedProfile[];
  /** Which of the profiles the promises are about. */
  readonly mainProfile: number;
  readonly systems: readonly ReportedSystem[];
  readonly workloads: readonly ReportedWorkload[];
  readonly results: readonly ReportedResult[];
  readonly failures: readonly ReportedFailure[];
  readonly bars: readonly Bar[];
}

export const OPEN_WORKLOAD: ReportedWorkload = {
  id: "open",
  name: "open, read the schema",
  database: "messages",
  bound: undefined,
};

/** The system that the promises are about. */
export const DEFAULT_SYSTEM = "lacuna";

/** Simulated milliseconds that nobody can stay below who asks for every page as soon as its number can be known. */
export const boundMs = (bound: LowerBound, { rttMs, bandwidthBitsPerSecond }: ReportedProfile): number =>
  bound.levels * rttMs + (bound.bytes * 8000) / bandwidthBitsPerSecond;

/** Looks results up. */
export class ReportIndex {
  readonly report: Report;
  readonly #costs = new Map<string, Cost>();

  constructor(report: Report) {
    this.report = report;
    for (const { workload, system, profile, cost } of report.results) {
      this.#costs.set(`${workload} ${system} ${profile}`, cost);
    }
  }

  cost(workload: string, system: string, profile: number = this.report.mainProfile): Cost | undefined {
    return this.#costs.get(`${workload} ${system} ${profile}`);
  }

  /** Why there is no cost, where that is known. */
  failure(workload: string, system: string): ReportedFailure | undefined {
    return this.report.failures.find((one) => one.workload === workload && one.system === system);
  }

  profile(index: number): ReportedProfile {
    const profile = this.report.profiles[index];
    if (profile === undefined) throw new Error(`BUG: there is no profile ${index}`);
    return profile;
  }

  /** Simulated time as a multiple of the bound; `undefined` where nothing is needed. */
  ratio(workload: ReportedWorkload, system: string, profile: number): number | undefined {
    const cost = this.cost(workload.id, system, profile);
    const bound = workload.bound === undefined ? 0 : boundMs(workload.bound, this.profile(profile));
    return cost === undefined || bound === 0 ? undefined : cost.simulatedMs / bound;
  }

  /** The fastest of the others that did the workload. */
  bestPeer(
    workload: string,
    profile: number,
  ): { readonly system: ReportedSystem; readonly cost: Cost } | undefined {
    let best: { system: ReportedSystem; cost: Cost } | undefined;
    for (const system of this.report.systems) {
      const cost = system.kind === "peer" ? this.cost(workload, system.id, profile) : undefined;
      if (cost !== undefined && cost.simulatedMs < (best?.cost.simulatedMs ?? Number.POSITIVE_INFINITY)) {
        best = { system, cost };
      }
    }
    return best;
  }
}
