import { syncHandler } from "@lacuna/server";
import { openServedFile } from "@lacuna/server/node";
import { type NamedProfile, NETWORK_PROFILES } from "./network/profiles.ts";
import type { Handler, SimulatedNetwork, SimulatedTraffic } from "./network/simulated-network.ts";
import { wordnetFile } from "./wordnet.ts";

/** Runs something over each of the networks, at the other end of which is a dictionary of 29 MB. */
export async function overEachNetwork<T>(
  say: (line: string) => void,
  run: (profile: NamedProfile, handler: Handler, databaseName: string) => Promise<T>,
): Promise<T[]> {
  const served = await openServedFile(wordnetFile());
  try {
    const handler = syncHandler({ database: served });
    const found: T[] = [];
    for (const profile of NETWORK_PROFILES) {
      say(`simulating ${profile.name}`);
      found.push(await run(profile, handler, served.name));
    }
    return found;
  } finally {
    await served.close();
  }
}

/** What went over the network while something was done. */
export async function trafficDuring<T>(
  network: SimulatedNetwork,
  work: () => Promise<T>,
): Promise<{ readonly result: T; readonly traffic: SimulatedTraffic }> {
  const before = network.traffic();
  const result = await work();
  const after = network.traffic();
  const traffic: SimulatedTraffic = {
    requests: after.requests - before.requests,
    roundTrips: after.roundTrips - before.roundTrips,
    sentBytes: after.sentBytes - before.sentBytes,
    receivedBytes: after.receivedBytes - before.receivedBytes,
    elapsedMs: after.elapsedMs - before.elapsedMs,
  };
  return { result, traffic };
}
