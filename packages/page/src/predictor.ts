import type { PageNo } from "./page-number.ts";
import type { PrefetchCause, ReadTask } from "./source.ts";

/**
 * One thing a reader did. A page it has to wait for is shown twice: when it is asked for, without bytes, and when it has
 * come, with them.
 */
export interface AccessEvent {
  readonly page: PageNo;
  /** The page's bytes, when they are here. Shared: never write to them or keep them. */
  readonly bytes: Uint8Array | undefined;
  /** What the reader said it is doing. */
  readonly hint?: "point" | "scan" | undefined;
  /** What the reader said it works on. */
  readonly task?: ReadTask | undefined;
  /** True if the reader has to wait for the network. */
  readonly miss: boolean;
}

/** Guesses what a reader will want next. Deterministic: no clock, no randomness, no I/O. */
export interface Predictor {
  /**
   * Why its pages are asked for.
   * @default "other"
   */
  readonly cause?: PrefetchCause | undefined;
  /**
   * Whether it knows what readers who ask by themselves for what they will want do not, and so predicts for them as well.
   * @default false
   */
  readonly beyondPlans?: boolean | undefined;
  observe(event: AccessEvent): void;
  /**
   * At most `limit` pages, the most wanted first, none twice. May name pages that are resident, on the way, or outside
   * the database: whoever fetches them filters. Handing out a page may count as having predicted it.
   */
  predict(limit: number): readonly PageNo[];
  /** Forgets everything, when the pages became those of another revision. */
  reset(): void;
}
