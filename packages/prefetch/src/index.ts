export { type ChildrenPredictorOptions, childrenPredictor } from "./children-predictor.ts";
export { type HistoryPredictorOptions, historyPredictor } from "./history-predictor.ts";
export { type IndexRowsPredictorOptions, indexRowsPredictor } from "./index-rows-predictor.ts";
export { type OverflowPredictorOptions, overflowPredictor } from "./overflow-predictor.ts";
export type { Peek } from "./peek.ts";
export { type PredictedCause, type PredictorsOptions, predictors } from "./predictors.ts";
export type { PredictionStats } from "./prefetch-budget.ts";
export {
  type ScanPredictorOptions,
  scanPredictor,
} from "./scan-predictor.ts";
export { TaskHistory } from "./task-history.ts";
export {
  type Predictions,
  type PredictiveSource,
  type WithPrefetchOptions,
  withPrefetch,
} from "./with-prefetch.ts";
