export type { Snapshot, SnapshotSource } from "./snapshot.ts";
