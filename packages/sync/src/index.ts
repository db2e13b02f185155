export type { HydrationTarget } from "./hydration.ts";
export type { IngestOptions, Progress } from "./ingest.ts";
export { openReplica, type Replica, type ReplicaStats } from "./replica.ts";
export type { PartialBootstrap, ReplicaOptions } from "./replica-options.ts";
