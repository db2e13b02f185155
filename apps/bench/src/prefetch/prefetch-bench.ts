import { mkdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { syncHandler } from "@lacuna/server";
import { openServedFile, withCompression } from "@lacuna/server/node";
import type { Bench, BenchOptions, BenchResult } from "../bench.ts";
import { NETWORK_PROFILES } from "../network/profiles.ts";
import { AnswerCheck } from "./answer-check.ts";
import { type LowerBound, TracedDatabase } from "./bound/traced-database.ts";
import { type BenchDatabase, prepareDatabases } from "./databases/bench-databases.ts";
import { measureExtras } from "./extras.ts";
import {
  type Cost,
  measureOnNetwork,
  measureSerially,
  type Opened,
  type Site,
  serialCost,
} from "./measure.ts";
import { htmlReport } from "./report/html-report.ts";
import { writeReadmeTables } from "./report/readme-tables.ts";
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
import { reportTables } from "./report/tables.ts";
import { shows } from "./shows.ts";
import { ABLATIONS, OUR_SYSTEMS, PEER_SYSTEMS } from "./systems/all-systems.ts";
import type { System } from "./systems/system.ts";
import { CATALOG_WORKLOADS, DICTIONARY_WORKLOADS, MUSIC_WORKLOADS } from "./workloads/file-workloads.ts";
import { messageWorkloads } from "./workloads/message-workloads.ts";
import { recordedWorkloads } from "./workloads/recorded-workloads.ts";
import type { Workload } from "./workloads/workload.ts";

/** What comes of the database file when it is opened. */
const PREFIX_BYTES = 131_072;
/** The network that the promises are about. */
const MAIN_PROFILE = "50 ms, 20 Mbit/s";
const DOWNLOAD: ReportedSystem = { id: "download", name: "full download", kind: "peer" };
/** Bytes after which only the default is simulated on further networks, and only some parts are switched off. */
const MOST_BYTES = 5_000_000;
const LARGE_ABLATIONS = ["without-run-ahead", "without-prefetch"];
const OUT_DIRECTORY = fileURLToPath(new URL("../../out/", import.meta.url));

/** Queries ahead of the network: ours beside others and beside what nobody can do better. */
export const prefetchBench: Bench = {
  name: "prefetch",
  summary:
    "queries over four simulated networks: requests, bytes and time beside a lower bound and other programs",
  async run(say, options = {}) {
    const found = await measureAll(say, options);
    await mkdir(OUT_DIRECTORY, { recursive: true });
    await writeFile(join(OUT_DIRECTORY, "report.json"), `${JSON.stringify(found, null, 1)}\n`);
    await writeFile(join(OUT_DIRECTORY, "report.html"), htmlReport(found));
    say("wrote out/report.json and out/report.html of apps/bench");
    if (options.writeReadme === true) await writeReadmeTables(found);
    const result: BenchResult = { tables: reportTables(found), bars: found.bars, advisory: found.quick };
    return result;
  },
};

/** Runs everything and returns what was found. */
export async function measureAll(say: (line: string) => void, options: BenchOptions): Promise<Report> {
  const { quick = false, dataDirectory } = options;
  const { databases, messageCounts } = prepareDatabases(quick, dataDirectory, say);
  const all = [
    ...messageWorkloads(messageCounts),
    ...DICTIONARY_WORKLOADS,
    ...CATALOG_WORKLOADS,
    ...MUSIC_WORKLOADS,
    ...recordedWorkloads(dataDirectory),
  ];
  const workloads = all.filter((workload) => !quick || workload.quick === true);
  const profiles = NETWORK_PROFILES.filter(({ name }) => !quick || name === MAIN_PROFILE);
  const run = new BenchRun(profiles, quick, say);
  for (const database of databases) {
    const own = workloads.filter((workload) => workload.database === database.name);
    if (own.length > 0) await run.database(database, own);
  }
  return run.report(databases);
}

class BenchRun {
  readonly #profiles: readonly ReportedProfile[];
  readonly #mainProfile: number;
  readonly #quick: boolean;
  readonly #say: (line: string) => void;
  readonly #workloads: ReportedWorkload[] = [OPEN_WORKLOAD];
  readonly #results: ReportedResult[] = [];
  readonly #failures: ReportedFailure[] = [];
  #extras: Awaited<ReturnType<typeof measureExtras>> | undefined;

  constructor(profiles: readonly ReportedProfile[], quick: boolean, say: (line: string) => void) {
    this.#profiles = profiles;
    this.#mainProfile = profiles.findIndex(({ name }) => name === MAIN_PROFILE);
    this.#quick = quick;
    this.#say = say;
  }

  /** Runs the workloads of one database. */
  async database({ name, title, path }: BenchDatabase, workloads: readonly Workload[]): Promise<void> {
    const served = await openServedFile(path);
    const check = new AnswerCheck(path);
    try {
      const raw = syncHandler({ database: served });
      const site: Site = { path, name: served.name, handlers: { raw, compressed: withCompression(raw) } };
      const traced = new TracedDatabase(path);
      const fileBytes = (await stat(path)).size;
      for (const workload of workloads) {
        const started = performance.now();
        const bound = await traced.boundOf(workload, PREFIX_BYTES);
        this.#workloads.push({ id: workload.id, name: workload.name, database: name, bound });
        await this.#workload(site, check, workload, bound, fileBytes);
        const seconds = ((performance.now() - started) / 1000).toFixed(1);
        this.#say(`${title}: ${workload.name}, ${seconds} s`);
      }
      if (name === "messages") {
        this.#extras = await measureExtras(site, check, workloads, this.#profile(this.#mainProfile));
      }
    } finally {
      check.close();
      await served.close();
    }
  }

  async #workload(
    site: Site,
    check: AnswerCheck,
    workload: Workload,
    bound: LowerBound,
    fileBytes: number,
  ): Promise<void> {
    for (const system of [...OUR_SYSTEMS, ...PEER_SYSTEMS]) {
      try {
        await this.#measure(system, site, check, workload, this.#profilesOf(system));
      } catch (error) {
        // A wrong answer or an error of ours ends the bench; others may lack what a workload uses.
        if (OUR_SYSTEMS.some(({ id }) => id === system.id)) throw error;
        this.#failures.push({ workload: workload.id, system: system.id, reason: oneLine(error) });
      }
    }
    for (const system of ABLATIONS) {
      const isWorthwhile = bound.bytes <= MOST_BYTES || LARGE_ABLATIONS.includes(system.id);
      if (isWorthwhile) await this.#measure(system, site, check, workload, [this.#mainProfile]);
    }
    if (bound.pages === 0) return;
    for (const [profile, { rttMs, bandwidthBitsPerSecond }] of this.#profiles.entries()) {
      const simulatedMs = rttMs + (fileBytes * 8000) / bandwidthBitsPerSecond;
      const cost: Cost = { requests: 1, sentBytes: 0, receivedBytes: fileBytes, simulatedMs, cpuMs: 0 };
      this.#results.push({ workload: workload.id, system: DOWNLOAD.id, profile, cost });
    }
  }

  async #measure(
    system: System,
    site: Site,
    check: AnswerCheck,
    workload: Workload,
    profiles: Iterable<number>,
  ): Promise<void> {
    const serial =
      system.kind === "serial" ? await measureSerially(system, site, workload, check) : undefined;
    for (const profile of profiles) {
      const network = this.#profile(profile);
      let opened: Opened;
      if (system.kind === "network") {
        opened = await measureOnNetwork(system, site, workload, network, check);
      } else if (serial !== undefined) {
        opened = serialCost(serial, network);
      } else continue;
      this.#results.push({ workload: workload.id, system: system.id, profile, cost: opened.work });
      // What was that much on one network is not worth simulating on the others.
      const isTooMuch = system.id !== DEFAULT_SYSTEM && opened.allBytes > MOST_BYTES;
      if (system.kind === "network" && isTooMuch) return;
      // Opening is the same whatever is done afterwards.
      const isFirst = this.#workloads.length === 2;
      if (isFirst) {
        this.#results.push({ workload: OPEN_WORKLOAD.id, system: system.id, profile, cost: opened.opening });
      }
    }
  }

  /** The main one first. */
  #profilesOf({ id }: System): number[] {
    if (id === "lacuna-static") return [this.#mainProfile];
    const others = [...this.#profiles.keys()].filter((profile) => profile !== this.#mainProfile);
    return [this.#mainProfile, ...others];
  }

  report(databases: readonly BenchDatabase[]): Report {
    const kinds = { ours: OUR_SYSTEMS, peer: PEER_SYSTEMS, ablation: ABLATIONS } as const;
    const systems = Object.entries(kinds).flatMap(([kind, systems]) =>
      systems.map(({ id, name }): ReportedSystem => ({ id, name, kind: kind as keyof typeof kinds })),
    );
    const report: Report = {
      quick: this.#quick,
      node: process.version,
      databases: databases.map(({ name, title }) => ({ name, title })),
      profiles: this.#profiles.map(({ name, rttMs, bandwidthBitsPerSecond }) => ({
        name,
        rttMs,
        bandwidthBitsPerSecond,
      })),
      mainProfile: this.#mainProfile,
      systems: [...systems, DOWNLOAD],
      workloads: this.#workloads,
      results: this.#results,
      failures: this.#failures,
      bars: [],
    };
    if (this.#extras === undefined) throw new Error("BUG: the messages were not measured");
    return { ...report, bars: shows(report, this.#extras) };
  }

  #profile(index: number): ReportedProfile {
    const profile = this.#profiles[index];
    if (profile === undefined) throw new Error(`BUG: there is no profile ${index}`);
    return profile;
  }
}

/** The first line of what went wrong, short enough for a table. */
function oneLine(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  const [line = ""] = text.split("\n");
  return line.length > 160 ? `${line.slice(0, 157)}...` : line;
}
