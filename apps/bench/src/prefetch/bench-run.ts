import { stat } from "node:fs/promises";
import { availableParallelism } from "node:os";
import type { Bar } from "../bench.ts";
import { type LowerBound, TracedDatabase } from "./bound/traced-database.ts";
import type { BenchDatabase } from "./databases/bench-databases.ts";
import { type Cost, type Opened, type SerialCost, serialCost } from "./measure.ts";
import { MeasurementError, Measurer } from "./measurer.ts";
import type { Patience } from "./patience.ts";
import {
  DEFAULT_SYSTEM,
  OPEN_WORKLOAD,
  type Report,
  type ReportedFailure,
  type ReportedProfile,
  type ReportedResult,
  type ReportedSystem,
  type ReportedWorkload,
} from "./report/report.ts";
import { type Extras, shows } from "./shows.ts";
import { ABLATIONS, OUR_SYSTEMS, PEER_SYSTEMS } from "./systems/all-systems.ts";
import type { System } from "./systems/system.ts";
import type { Workload } from "./workloads/workload.ts";

/** What comes of the database file when it is opened. */
const PREFIX_BYTES = 131_072;
/** After that a measurement is given up, and its process ended. */
const PATIENCE_WITH_OURS: Patience = { processorSeconds: 120, seconds: 600 };
const PATIENCE_WITH_OTHERS: Patience = { processorSeconds: 30, seconds: 300 };
const DOWNLOAD: ReportedSystem = { id: "download", name: "full download", kind: "peer" };
/** Bytes after which only the default is simulated on further networks, and only some parts are switched off. */
const MOST_BYTES = 5_000_000;
const LARGE_ABLATIONS = ["without-run-ahead", "without-prefetch"];

export interface BenchRunOptions {
  readonly databases: readonly BenchDatabase[];
  readonly workloads: readonly Workload[];
  readonly profiles: readonly ReportedProfile[];
  /** Which of the profiles the promises are about. */
  readonly mainProfile: number;
  readonly quick: boolean;
  readonly say: (line: string) => void;
  /** Given everything that was found until now, after each workload. */
  readonly keep: (report: Report) => Promise<void>;
}

/** A system on some networks. */
interface Job {
  readonly system: System;
  /** Which of the profiles. */
  readonly profiles: readonly number[];
}

/** What came of a job. */
interface Outcome {
  readonly results: ReportedResult[];
  readonly failures: ReportedFailure[];
}

/**
 * Every workload by every system, one workload after the other. A measurement that does not come is noted, and the run goes
 * on.
 */
export class BenchRun {
  readonly #options: BenchRunOptions;
  readonly #planned: readonly Workload[];
  /** Computing takes no simulated time, so several systems can be measured side by side. */
  readonly #measurers = Array.from({ length: availableParallelism() }, () => new Measurer());
  readonly #workloads: ReportedWorkload[] = [];
  readonly #results: ReportedResult[] = [];
  readonly #failures: ReportedFailure[] = [];
  readonly #openings = new Set<string>();
  #extras: Extras | undefined;

  constructor(options: BenchRunOptions) {
    this.#options = options;
    const names = options.databases.map(({ name }) => name);
    this.#planned = options.workloads.filter(({ database }) => names.includes(database));
  }

  async run(): Promise<Report> {
    const { databases, keep } = this.#options;
    try {
      for (const database of databases) await this.#database(database);
    } finally {
      for (const measurer of this.#measurers) measurer.close();
    }
    const report = this.report();
    await keep(report);
    return report;
  }

  /** Everything that was found until now. */
  report(): Report {
    const { databases, profiles, mainProfile, quick } = this.#options;
    const kinds = { ours: OUR_SYSTEMS, peer: PEER_SYSTEMS, ablation: ABLATIONS } as const;
    const systems = Object.entries(kinds).flatMap(([kind, systems]) =>
      systems.map(({ id, name }): ReportedSystem => ({ id, name, kind: kind as keyof typeof kinds })),
    );
    const report: Report = {
      quick,
      plannedWorkloads: this.#planned.length,
      node: process.version,
      databases: databases.map(({ name, title }) => ({ name, title })),
      profiles: profiles.map(({ name, rttMs, bandwidthBitsPerSecond }) => ({
        name,
        rttMs,
        bandwidthBitsPerSecond,
      })),
      mainProfile,
      systems: [...systems, DOWNLOAD],
      workloads: [OPEN_WORKLOAD, ...this.#workloads],
      results: this.#results,
      failures: this.#failures,
      bars: [],
    };
    const bars: Bar[] = shows(report, this.#extras);
    return { ...report, bars };
  }

  async #database({ name, title, path }: BenchDatabase): Promise<void> {
    const workloads = this.#planned.filter(({ database }) => database === name);
    if (workloads.length === 0) return;
    const { say, keep } = this.#options;
    const traced = new TracedDatabase(path);
    const fileBytes = (await stat(path)).size;
    for (const workload of workloads) {
      const bound = await traced.boundOf(workload, PREFIX_BYTES);
      this.#workloads.push({ id: workload.id, name: workload.name, database: name, bound });
      await this.#workload(path, workload, bound);
      if (bound.pages > 0) this.#download(workload, fileBytes);
      say(`${title}: ${workload.name} (${this.#workloads.length} of ${this.#planned.length})`);
      await keep(this.report());
    }
    if (name === "messages") await this.#measureExtras(path, workloads);
  }

  async #workload(path: string, workload: Workload, bound: LowerBound): Promise<void> {
    const jobs = this.#jobs(bound).map((job) => {
      const outcome: Outcome = { results: [], failures: [] };
      return { job, outcome };
    });
    const waiting = [...jobs];
    const work = async (measurer: Measurer): Promise<void> => {
      for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
        await this.#measure(measurer, next.job, path, workload, next.outcome);
      }
    };
    await Promise.all(this.#measurers.map(work));
    for (const { outcome } of jobs) {
      this.#results.push(...outcome.results);
      this.#failures.push(...outcome.failures);
    }
  }

  #jobs(bound: LowerBound): Job[] {
    const { mainProfile } = this.#options;
    const isWorthwhile = ({ id }: System): boolean =>
      bound.bytes <= MOST_BYTES || LARGE_ABLATIONS.includes(id);
    return [
      ...[...PEER_SYSTEMS, ...OUR_SYSTEMS].map((system) => ({ system, profiles: this.#profilesOf(system) })),
      ...ABLATIONS.filter(isWorthwhile).map((system) => ({ system, profiles: [mainProfile] })),
    ];
  }

  /** Measures a system on its networks, up to the first measurement that does not come. */
  async #measure(
    measurer: Measurer,
    job: Job,
    path: string,
    workload: Workload,
    outcome: Outcome,
  ): Promise<void> {
    try {
      await this.#costs(measurer, job, path, workload, outcome.results);
    } catch (error) {
      outcome.failures.push(this.#failure(error, workload.id, job.system));
    }
  }

  #failure(
    error: unknown,
    workload: string,
    system: { readonly id: string; readonly name: string },
  ): ReportedFailure {
    if (!(error instanceof MeasurementError)) throw error;
    const { kind, message: reason } = error;
    this.#options.say(`  ${system.name}: ${reason}`);
    return { workload, system: system.id, kind, reason };
  }

  async #costs(
    measurer: Measurer,
    { system, profiles }: Job,
    path: string,
    workload: Workload,
    results: ReportedResult[],
  ): Promise<void> {
    const patience = PEER_SYSTEMS.includes(system) ? PATIENCE_WITH_OTHERS : PATIENCE_WITH_OURS;
    let serial: SerialCost | undefined;
    for (const profile of profiles) {
      const network = this.#profile(profile);
      const task = { kind: "workload", path, system: system.id, workload, network } as const;
      let opened: Opened;
      if (system.kind === "network") opened = (await measurer.measure(task, patience)) as Opened;
      else {
        // The same on every network.
        serial ??= (await measurer.measure(task, patience)) as SerialCost;
        opened = serialCost(serial, network);
      }
      results.push({ workload: workload.id, system: system.id, profile, cost: opened.work });
      results.push(...this.#opening(workload, system, profile, opened.opening));
      // What was that much on one network is not worth simulating on the others.
      const isTooMuch = system.id !== DEFAULT_SYSTEM && opened.allBytes > MOST_BYTES;
      if (system.kind === "network" && isTooMuch) return;
    }
  }

  /** Opening is the same whatever is done afterwards. */
  #opening({ database }: Workload, { id }: System, profile: number, cost: Cost): ReportedResult[] {
    const key = `${id} ${profile}`;
    if (database !== OPEN_WORKLOAD.database || this.#openings.has(key)) return [];
    this.#openings.add(key);
    return [{ workload: OPEN_WORKLOAD.id, system: id, profile, cost }];
  }

  #download({ id }: Workload, fileBytes: number): void {
    for (const [profile, { rttMs, bandwidthBitsPerSecond }] of this.#options.profiles.entries()) {
      const simulatedMs = rttMs + (fileBytes * 8000) / bandwidthBitsPerSecond;
      const cost: Cost = { requests: 1, sentBytes: 0, receivedBytes: fileBytes, simulatedMs, cpuMs: 0 };
      this.#results.push({ workload: id, system: DOWNLOAD.id, profile, cost });
    }
  }

  async #measureExtras(path: string, workloads: readonly Workload[]): Promise<void> {
    const network = this.#profile(this.#options.mainProfile);
    const task = { kind: "extras", path, workloads, network } as const;
    try {
      this.#extras = await this.#measurers[0]?.measure(task, PATIENCE_WITH_OURS);
    } catch (error) {
      const system = { id: DEFAULT_SYSTEM, name: "Lacuna" };
      this.#failures.push(this.#failure(error, "bootstraps and processor time", system));
    }
  }

  /** The main one first. */
  #profilesOf({ id }: System): number[] {
    const { mainProfile, profiles } = this.#options;
    if (id.startsWith("lacuna-static")) return [mainProfile];
    const others = [...profiles.keys()].filter((profile) => profile !== mainProfile);
    return [mainProfile, ...others];
  }

  #profile(index: number): ReportedProfile {
    const profile = this.#options.profiles[index];
    if (profile === undefined) throw new Error(`BUG: there is no profile ${index}`);
    return profile;
  }
}
