export { boundValue } from "./changes/bound-value.ts";
export type { CapturedItem, CapturedRow, CapturedTransaction } from "./changes/captured.ts";
export type { ChangeId } from "./changes/change.ts";
export { ChangeError, type PendingChange } from "./changes/change-error.ts";
export type { HydrationTarget } from "./hydration.ts";
export type { IngestOptions, Progress } from "./ingest.ts";
export type { PullOptions } from "./pull/pull.ts";
export type { OpenReplaySql, ReplaySql } from "./pull/replay.ts";
export type { PushResult } from "./push/push.ts";
export { openReplica, type Replica, type ReplicaStats } from "./replica.ts";
export type { PartialBootstrap, ReplicaOptions } from "./replica-options.ts";
export type {
  DatabaseRowMutation,
  DatabaseRowStatement,
  DatabaseRowTransformResult,
  MutationValue,
  Transform,
} from "./statements/transform.ts";
export { openSyncedReplica, type SyncedReplica, type SyncedReplicaStats } from "./synced-replica.ts";
export type { SyncedReplicaOptions } from "./synced-replica-options.ts";
