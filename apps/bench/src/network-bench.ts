import { syncHandler } from "@lacuna/server";
import { openServedFile, type ServedFile } from "@lacuna/server/node";
import { connect, type Database } from "lacuna";
import type { Bench, BenchResult } from "./bench.ts";
import { NETWORK_PROFILES } from "./network/profiles.ts";
import { type NetworkProfile, type SimulatedTraffic, simulatedNetwork } from "./network/simulated-network.ts";
import { wordnetFile } from "./wordnet.ts";
import { WORDNET_WORKLOADS, type Workload } from "./wordnet-workloads.ts";

const SERVER_URL = "http://simulated.test";

/** What one workload cost on one network. */
interface Cost extends SimulatedTraffic {
  /** Real milliseconds of this process, which are no part of the simulated time. */
  readonly cpuMs: number;
}

/** Everyday queries on a database far away, against bringing all of it. */
export const networkBench: Bench = {
  name: "network",
  summary: "a real database over four simulated networks: requests, bytes and simulated time",
  async run(say) {
    const served = await openServedFile(wordnetFile());
    try {
      return await runAll(served, say);
    } finally {
      await served.close();
    }
  },
};

async function runAll(served: ServedFile, say: (line: string) => void): Promise<BenchResult> {
  const handler = syncHandler({ database: served });
  const tables = [];
  // The first database of a process compiles SQLite; no workload should pay for that.
  await measure(NETWORK_PROFILES[0] as NetworkProfile, handler, true, undefined);
  for (const profile of NETWORK_PROFILES) {
    say(`simulating ${profile.name}`);
    const download = simulatedNetwork(profile, handler);
    const response = await download.fetch(`${SERVER_URL}/${served.name}`);
    const fileBytes = (await response.arrayBuffer()).byteLength;
    const downloadMs = download.nowMs();
    const rows: (string | number)[][] = [];
    for (const prefetch of [true, false]) {
      for (const workload of [undefined, ...WORDNET_WORKLOADS]) {
        const cost = await measure(profile, handler, prefetch, workload);
        rows.push([
          workload?.name ?? "open",
          prefetch ? "on" : "off",
          cost.requests,
          cost.roundTrips,
          cost.receivedBytes / 1024,
          (100 * cost.receivedBytes) / fileBytes,
          cost.elapsedMs / 1000,
          downloadMs / 1000,
          cost.cpuMs,
        ]);
      }
    }
    tables.push({
      title: `${profile.name} (full download: ${(fileBytes / 2 ** 20).toFixed(1)} MiB)`,
      columns: [
        "workload",
        "prefetch",
        "requests",
        "round trips",
        "KiB",
        "% of file",
        "s",
        "download s",
        "CPU ms",
      ],
      rows,
    });
  }
  return { tables };
}

/** Opens a new replica in memory and runs the workload; without one, opening is what is measured. */
async function measure(
  profile: NetworkProfile,
  handler: (request: Request) => Response | Promise<Response>,
  prefetch: boolean,
  workload: Workload | undefined,
): Promise<Cost> {
  const network = simulatedNetwork(profile, handler);
  let before = network.traffic();
  let started = performance.now();
  const db: Database = await connect({
    path: ":memory:",
    url: SERVER_URL,
    remote: "sync-server",
    fetch: network.fetch,
    now: network.nowMs,
    partialSync: { bootstrapStrategy: { kind: "prefix", length: 131_072 }, prefetch },
  });
  try {
    if (workload !== undefined) {
      await workload.before?.(db);
      before = network.traffic();
      started = performance.now();
      await workload.run(db);
    }
    const after = network.traffic();
    return {
      requests: after.requests - before.requests,
      roundTrips: after.roundTrips - before.roundTrips,
      sentBytes: after.sentBytes - before.sentBytes,
      receivedBytes: after.receivedBytes - before.receivedBytes,
      elapsedMs: after.elapsedMs - before.elapsedMs,
      cpuMs: performance.now() - started,
    };
  } finally {
    await db.close();
  }
}
