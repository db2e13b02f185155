export { Pager, type PagerOptions } from "./pager.ts";
export type { Snapshot, SnapshotSource } from "./snapshot.ts";
