export type { CacheEvent } from "./cache-event.ts";
export type { SegmentCacheOptions } from "./cache-options.ts";
export type { CacheStats, SpeculationStats } from "./cache-stats.ts";
export type { Schedule } from "./schedule.ts";
export { SegmentCache } from "./segment-cache.ts";
