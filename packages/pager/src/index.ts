export { Pager, type PagerOptions } from "./pager.ts";
export type { PrefetchSnapshot, Snapshot, SnapshotSource } from "./snapshot.ts";
