import { connect } from "lacuna";
import type { Bench, ResultTable } from "./bench.ts";
import { overEachNetwork, trafficDuring } from "./dictionary-networks.ts";
import type { NamedProfile } from "./network/profiles.ts";
import {
  type Handler,
  type NetworkProfile,
  SERVER_URL,
  type SimulatedTraffic,
  simulatedNetwork,
} from "./network/simulated-network.ts";
import { WORDNET_WORKLOADS, type Workload } from "./wordnet-workloads.ts";

/** What one workload cost on one network. */
interface Cost extends SimulatedTraffic {
  /** Real milliseconds of this process, which are no part of the simulated time. */
  readonly realMs: number;
}

/** Everyday queries on a database far away, against bringing all of it. */
export const networkBench: Bench = {
  name: "network",
  summary: "a real database over four simulated networks: requests, bytes and simulated time",
  async run(say) {
    return { tables: await overEachNetwork(say, tableOf) };
  },
};

async function tableOf(profile: NamedProfile, handler: Handler, databaseName: string): Promise<ResultTable> {
  const download = simulatedNetwork(profile, handler);
  const response = await download.fetch(`${SERVER_URL}/${databaseName}`);
  const fileBytes = (await response.arrayBuffer()).byteLength;
  const downloadMs = download.nowMs();
  const rows: (string | number)[][] = [];
  // The first database of a process compiles SQLite; no workload should pay for that.
  await measure(profile, handler, true, undefined);
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
        cost.realMs,
      ]);
    }
  }
  return {
    title: `${profile.name} (full download: ${(fileBytes / 2 ** 20).toFixed(1)} MiB)`,
    columns: [
      ...["workload", "prefetch", "requests", "round trips", "KiB", "% of file", "s", "download s"],
      "real ms",
    ],
    rows,
  };
}

/** Opens a new replica in memory and runs the workload; without one, opening is what is measured. */
async function measure(
  profile: NetworkProfile,
  handler: Handler,
  prefetch: boolean,
  workload: Workload | undefined,
): Promise<Cost> {
  const network = simulatedNetwork(profile, handler);
  let started = performance.now();
  const opening = await trafficDuring(network, () =>
    connect({
      path: ":memory:",
      url: SERVER_URL,
      remote: "sync-server",
      fetch: network.fetch,
      now: network.nowMs,
      partialSync: { bootstrapStrategy: { kind: "prefix", length: 131_072 }, prefetch },
    }),
  );
  const db = opening.result;
  try {
    if (workload === undefined) return { ...opening.traffic, realMs: performance.now() - started };
    await workload.before?.(db);
    started = performance.now();
    const { traffic } = await trafficDuring(network, () => workload.run(db));
    return { ...traffic, realMs: performance.now() - started };
  } finally {
    await db.close();
  }
}
