import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Bench, BenchOptions } from "../bench.ts";
import { NETWORK_PROFILES } from "../network/profiles.ts";
import { BenchRun } from "./bench-run.ts";
import { prepareDatabases } from "./databases/bench-databases.ts";
import { htmlReport } from "./report/html-report.ts";
import { writeReadmeTables } from "./report/readme-tables.ts";
import type { Report } from "./report/report.ts";
import { reportTables } from "./report/tables.ts";
import { CATALOG_WORKLOADS, DICTIONARY_WORKLOADS, MUSIC_WORKLOADS } from "./workloads/file-workloads.ts";
import { messageWorkloads } from "./workloads/message-workloads.ts";
import { recordedWorkloads } from "./workloads/recorded-workloads.ts";

/** The network that the promises are about. */
const MAIN_PROFILE = "50 ms, 20 Mbit/s";
const OUT_DIRECTORY = fileURLToPath(new URL("../../out/", import.meta.url));

/** Queries ahead of the network: ours beside others and beside what nobody can do better. */
export const prefetchBench: Bench = {
  name: "prefetch",
  summary:
    "queries over four simulated networks: requests, bytes and time beside a lower bound and other programs",
  async run(say, options = {}) {
    const found = await measureAll(sayWithTime(say), options, writeReport);
    say("wrote out/report.json and out/report.html of apps/bench");
    if (options.writeReadme === true) await writeReadmeTables(found);
    return { tables: reportTables(found), bars: found.bars, advisory: found.quick };
  },
};

/**
 * Runs everything and returns what was found.
 * @param keep is given what was found until now, after each workload, so that a run that is stopped is not lost
 */
export function measureAll(
  say: (line: string) => void,
  { quick = false, dataDirectory }: BenchOptions,
  keep: (report: Report) => Promise<void> = async () => {},
): Promise<Report> {
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
  const mainProfile = profiles.findIndex(({ name }) => name === MAIN_PROFILE);
  return new BenchRun({ databases, workloads, profiles, mainProfile, quick, say, keep }).run();
}

async function writeReport(report: Report): Promise<void> {
  await mkdir(OUT_DIRECTORY, { recursive: true });
  await writeFile(join(OUT_DIRECTORY, "report.json"), `${JSON.stringify(report, null, 1)}\n`);
  await writeFile(join(OUT_DIRECTORY, "report.html"), htmlReport(report));
}

/** Puts minutes and seconds since now before each line. */
function sayWithTime(say: (line: string) => void): (line: string) => void {
  const started = performance.now();
  return (line) => {
    const seconds = Math.round((performance.now() - started) / 1000);
    say(`${Math.floor(seconds / 60)}:${`${seconds % 60}`.padStart(2, "0")} ${line}`);
  };
}
