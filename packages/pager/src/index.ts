export { Pager, type PagerOptions } from "./pager.ts";
export type { RebaseStep } from "./rebase-step.ts";
export type { PrefetchSnapshot, Snapshot, SnapshotSource } from "./snapshot.ts";
export type { ChangeRecord, WriteSource, WriteTransaction } from "./write-source.ts";
