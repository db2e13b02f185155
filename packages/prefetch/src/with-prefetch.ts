import {
  type AbortOptions,
  LacunaError,
  type LinkEstimate,
  type PageNo,
  type Predictor,
  type PrefetchSource,
  type ReadOptions,
  type Revision,
} from "@lacuna/page";
import { type Batch, type PredictionStats, PrefetchBudget } from "./prefetch-budget.ts";

export interface PrefetchOptions {
  /**
   * The most pages asked for at once.
   * @default 1024
   */
  readonly limit?: number | undefined;
  /**
   * The most pages that are predicted and that no reader has come to. Less of it is used while predictions prove wrong.
   * @default 2048
   */
  readonly budget?: number | undefined;
}

/** A source that fetches what its readers will want next. */
export interface PredictiveSource extends PrefetchSource {
  /** What became of the predictions. */
  predictions(): PredictionStats;
}

/**
 * The same source, with `predictor` watching its readers. What it predicts after a miss goes out in the same turn as the
 * demanded page, so that both share a request, and again as soon as bytes arrive. No read waits for a prediction or fails
 * by it; what was predicted because of a read is dropped when that read is aborted.
 *
 * @throws {LacunaError} `INVALID_OPTION` for an option out of range
 */
export function withPrefetch(
  source: PrefetchSource,
  predictor: Predictor,
  options: PrefetchOptions = {},
): PredictiveSource {
  return new PredictingSource(source, predictor, options);
}

class PredictingSource implements PredictiveSource {
  readonly revision: Revision;
  readonly pageSize: number;
  readonly pageCount: number;
  readonly #source: PrefetchSource;
  readonly #predictor: Predictor;
  readonly #limit: number;
  readonly #budget: PrefetchBudget;
  #latest: PageNo | undefined;
  #failures = 0;

  constructor(source: PrefetchSource, predictor: Predictor, options: PrefetchOptions) {
    this.revision = source.revision;
    this.pageSize = source.pageSize;
    this.pageCount = source.pageCount;
    this.#source = source;
    this.#predictor = predictor;
    this.#limit = positive("limit", options.limit ?? 1024);
    this.#budget = new PrefetchBudget(positive("budget", options.budget ?? 2048));
  }

  peek(page: PageNo): Uint8Array | undefined {
    const bytes = this.#source.peek(page);
    // SQLite reads a page it works on again and again, which tells nothing new.
    if (bytes !== undefined && page !== this.#latest) this.#come(page, bytes, undefined);
    return bytes;
  }

  copyTo(page: PageNo, into: Uint8Array, at: number): boolean {
    if (this.#source.copyTo?.(page, into, at) !== true) return false;
    if (page !== this.#latest) this.#come(page, into.subarray(at, at + this.pageSize), undefined);
    return true;
  }

  /** Whoever looks at a page without reading it tells nothing about readers. */
  glance(page: PageNo): Uint8Array | undefined {
    const source = this.#source;
    return source.glance === undefined ? source.peek(page) : source.glance(page);
  }

  async read(page: PageNo, options?: ReadOptions): Promise<Uint8Array> {
    const here = this.#source.peek(page);
    if (here !== undefined) {
      if (page !== this.#latest || options?.hint !== undefined) this.#come(page, here, options);
      return here;
    }
    const reading = this.#source.read(page, options);
    this.#askAgain(page, options?.signal);
    this.#observe(page, undefined, options?.hint, true);
    this.#predict(options?.signal);
    const bytes = await reading;
    this.#observe(page, bytes, options?.hint, true);
    this.#predict(options?.signal);
    return bytes;
  }

  prefetch(pages: readonly PageNo[], options?: AbortOptions): Promise<void> {
    return this.#source.prefetch(pages, options);
  }

  linkEstimate(): LinkEstimate | undefined {
    return this.#source.linkEstimate?.();
  }

  predictions(): PredictionStats {
    return { ...this.#budget.stats(), failures: this.#failures };
  }

  /** A reader comes to a page that is here. */
  #come(page: PageNo, bytes: Uint8Array, options: ReadOptions | undefined): void {
    // Where readers miss nothing there is nothing to predict: that is left until a miss, or a page that was predicted.
    const predicted = this.#observe(page, bytes, options?.hint, false);
    if (predicted) this.#predict(options?.signal);
  }

  /** @returns whether the page was predicted */
  #observe(page: PageNo, bytes: Uint8Array | undefined, hint: ReadOptions["hint"], miss: boolean): boolean {
    this.#latest = page;
    try {
      this.#predictor.observe({ page, bytes, hint, miss });
    } catch {
      this.#failures++;
    }
    return this.#budget.access(page, miss && bytes === undefined);
  }

  #predict(signal: AbortSignal | undefined): void {
    const room = Math.min(this.#limit, this.#budget.room);
    if (room === 0 || signal?.aborted) return;
    let pages: readonly PageNo[];
    try {
      pages = this.#predictor.predict(room);
    } catch {
      this.#failures++;
      return;
    }
    if (pages.length === 0) return;
    const batch = this.#budget.spend(pages);
    if (batch.pages.length > 0) this.#send(batch, signal);
  }

  #send(batch: Batch, signal: AbortSignal | undefined): void {
    const over = (): void => {
      batch.over = true;
    };
    batch.over = false;
    this.#source.prefetch(this.#budget.pendingOf(batch), { signal }).then(() => {
      over();
      // Interior pages may have come that show where to go on.
      this.#predict(signal);
    }, over);
  }

  /**
   * A reader misses a page although fetching it is over: its batch failed or was aborted. The predictor takes the rest
   * of it for done, so it has to be asked for again here.
   */
  #askAgain(page: PageNo, signal: AbortSignal | undefined): void {
    const batch = this.#budget.batchOf(page);
    if (batch?.over) this.#send(batch, signal);
  }
}

function positive(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw new LacunaError("INVALID_OPTION", `${name} must be a positive integer, got ${value}`);
}
