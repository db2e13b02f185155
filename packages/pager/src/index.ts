export type { RandomBytes } from "./local/random-words.ts";
export type { MakeBase, PagerBase } from "./local-side.ts";
export { type OpenPagerOptions, openPager } from "./open-pager.ts";
export type { Pager, PagerStats } from "./pager.ts";
export { ReadingPager, type ReadingPagerOptions } from "./reading-pager.ts";
export type { RebaseStep } from "./rebase-step.ts";
export type { PrefetchSnapshot, Snapshot, SnapshotSource } from "./snapshot.ts";
export type { Timers } from "./timers.ts";
export type { ChangeRecord, WriteSource, WriteTransaction } from "./write-source.ts";
