import type { NetworkProfile } from "./simulated-network.ts";

const MEGABIT = 1_000_000;

export interface NamedProfile extends NetworkProfile {
  readonly name: string;
}

/** The networks every workload runs on: a data centre, a good line, a phone, a bad phone or another continent. */
export const NETWORK_PROFILES: readonly NamedProfile[] = [
  { name: "5 ms, 1 Gbit/s", rttMs: 5, bandwidthBitsPerSecond: 1000 * MEGABIT },
  { name: "20 ms, 100 Mbit/s", rttMs: 20, bandwidthBitsPerSecond: 100 * MEGABIT },
  { name: "50 ms, 20 Mbit/s", rttMs: 50, bandwidthBitsPerSecond: 20 * MEGABIT },
  { name: "150 ms, 5 Mbit/s", rttMs: 150, bandwidthBitsPerSecond: 5 * MEGABIT },
];
