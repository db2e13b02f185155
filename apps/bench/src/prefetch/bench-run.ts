import { stat } from "node:fs/promises";
import type { Bar } from "../bench.ts";
import { type LowerBound, TracedDatabase } from "./bound/traced-database.ts";
import type { BenchDatabase } from "./databases/bench-databases.ts";
import { type Cost, type Opened, type SerialCost, serialCost } from "./measure.ts";
import { MeasurementError, Measurer } from "./measurer.ts";
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
/** Seconds of real time after which a measurement is given up, and its process ended. */
const PATIENCE_SECONDS = { ours: 300, peer: 60 };
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

/** Every workload by every system, one after the other. A measurement that does not come is noted, and the run goes on. */
export class BenchRun {
  readonly #options: BenchRunOptions;
  readonly #planned: readonly Workload[];
  readonly #measurer = new Measurer();
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
      this.#measurer.close();
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
    const { mainProfile } = this.#options;
    for (const system of [...OUR_SYSTEMS, ...PEER_SYSTEMS]) {
      await this.#measure(system, path, workload, this.#profilesOf(system));
    }
    for (const system of ABLATIONS) {
      const isWorthwhile = bound.bytes <= MOST_BYTES || LARGE_ABLATIONS.includes(system.id);
      if (isWorthwhile) await this.#measure(system, path, workload, [mainProfile]);
    }
  }

  /** Measures a system on some networks, up to the first measurement that does not come. */
  async #measure(
    system: System,
    path: string,
    workload: Workload,
    profiles: readonly number[],
  ): Promise<void> {
    try {
      await this.#costs(system, path, workload, profiles);
    } catch (error) {
      this.#note(error, workload.id, system);
    }
  }

  #note(error: unknown, workload: string, system: { readonly id: string; readonly name: string }): void {
    if (!(error instanceof MeasurementError)) throw error;
    const { kind, message: reason } = error;
    this.#failures.push({ workload, system: system.id, kind, reason });
    this.#options.say(`  ${system.name}: ${reason}`);
  }

  async #costs(system: System, path: string, workload: Workload, profiles: readonly number[]): Promise<void> {
    const isOurs = !PEER_SYSTEMS.includes(system);
    const patience = isOurs ? PATIENCE_SECONDS.ours : PATIENCE_SECONDS.peer;
    let serial: SerialCost | undefined;
    for (const profile of profiles) {
      const network = this.#profile(profile);
      const task = { kind: "workload", path, system: system.id, workload, network } as const;
      let opened: Opened;
      if (system.kind === "network") opened = (await this.#measurer.measure(task, patience)) as Opened;
      else {
        // The same on every network.
        serial ??= (await this.#measurer.measure(task, patience)) as SerialCost;
        opened = serialCost(serial, network);
      }
      this.#results.push({ workload: workload.id, system: system.id, profile, cost: opened.work });
      this.#opening(workload, system, profile, opened.opening);
      // What was that much on one network is not worth simulating on the others.
      const isTooMuch = system.id !== DEFAULT_SYSTEM && opened.allBytes > MOST_BYTES;
      if (system.kind === "network" && isTooMuch) return;
    }
  }

  /** Opening is the same whatever is done afterwards. */
  #opening({ database }: Workload, { id }: System, profile: number, cost: Cost): void {
    const key = `${id} ${profile}`;
    if (database !== OPEN_WORKLOAD.database || this.#openings.has(key)) return;
    this.#openings.add(key);
    this.#results.push({ workload: OPEN_WORKLOAD.id, system: id, profile, cost });
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
      this.#extras = await this.#measurer.measure(task, PATIENCE_SECONDS.ours);
    } catch (error) {
      this.#note(error, "bootstraps and processor time", { id: DEFAULT_SYSTEM, name: "Lacuna" });
    }
  }

  /** The main one first. */
  #profilesOf({ id }: System): number[] {
    const { mainProfile, profiles } = this.#options;
    if (id === "lacuna-static") return [mainProfile];
    const others = [...profiles.keys()].filter((profile) => profile !== mainProfile);
    return [mainProfile, ...others];
  }

  #profile(index: number): ReportedProfile {
    const profile = this.#options.profiles[index];
    if (profile === undefined) throw new Error(`BUG: there is no profile ${index}`);
    return profile;
  }
}
