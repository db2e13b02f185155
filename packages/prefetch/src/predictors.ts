import type { Predictor, PrefetchCause } from "@lacuna/page";
import { childrenPredictor } from "./children-predictor.ts";
import { HistoryPredictor } from "./history-predictor.ts";
import { IndexRowsPredictor } from "./index-rows-predictor.ts";
import { OverflowPredictor } from "./overflow-predictor.ts";
import type { Peek } from "./peek.ts";
import { interiorPages, ScanPredictor } from "./scan-predictor.ts";
import type { TaskHistory } from "./task-history.ts";

/** The causes that have a predictor here, the surest first. */
const CAUSES = ["overflow", "scan", "index-rows", "children", "history"] as const;

export type PredictedCause = (typeof CAUSES)[number];

export interface PredictorsOptions {
  /** Bytes of a page that are SQLite's: the page size less the reserved bytes, at least 480. */
  readonly usableSize: number;
  /** Shows a page that is here. Must not wait. Such as `(page) => source.glance(page)`. */
  readonly peek: Peek;
  /**
   * What was learned of tasks before.
   * @default nothing
   */
  readonly history?: TaskHistory | undefined;
  /**
   * Only these.
   * @default all there are
   */
  readonly causes?: readonly PrefetchCause[] | undefined;
}

/**
 * One predictor for each cause, the surest first, for `withPrefetch`. They share what they remember of the trees.
 * @throws {LacunaError} `INVALID_OPTION` for an option out of range
 */
export function predictors(options: PredictorsOptions): Predictor[] {
  const { causes = CAUSES } = options;
  const pages = interiorPages(options);
  const make: Readonly<Record<PredictedCause, () => Predictor>> = {
    overflow: () => new OverflowPredictor(options, pages),
    scan: () => new ScanPredictor(options, pages),
    "index-rows": () => new IndexRowsPredictor(options, pages),
    children: () => childrenPredictor(options),
    history: () => new HistoryPredictor(options, pages),
  };
  return CAUSES.filter((cause) => causes.includes(cause)).map((cause) => make[cause]());
}
