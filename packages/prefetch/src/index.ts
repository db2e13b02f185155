export type { PredictionStats } from "./prefetch-budget.ts";
export type { Peek } from "./scan-cursor.ts";
export { type StructurePredictorOptions, structurePredictor } from "./structure-predictor.ts";
export { type PredictiveSource, type PrefetchOptions, withPrefetch } from "./with-prefetch.ts";
