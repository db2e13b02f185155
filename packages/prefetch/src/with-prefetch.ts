import type {
  LinkEstimate,
  PageNo,
  Predictor,
  PrefetchCause,
  PrefetchOptions,
  PrefetchSource,
  ReadOptions,
  Revision,
} from "@lacuna/page";
import { atLeast } from "./check-option.ts";
import { type Batch, type PredictionStats, PrefetchBudget } from "./prefetch-budget.ts";

export interface WithPrefetchOptions {
  /**
   * The most pages asked for at once.
   * @default 1024
   */
  readonly limit?: number | undefined;
  /**
   * The most pages that are predicted and that no reader has come to, of all predictors together. Each predictor may use
   * less of it while its predictions prove wrong.
   * @default 2048
   */
  readonly budget?: number | undefined;
}

/** What became of the predictions, together and for each cause. */
export interface Predictions extends PredictionStats {
  readonly causes: Readonly<Partial<Record<PrefetchCause, PredictionStats>>>;
}

/** A source that fetches what its readers will want next. */
export interface PredictiveSource extends PrefetchSource {
  /** What became of the predictions. */
  predictions(): Predictions;
}

/**
 * The same source, with predictors watching its readers. What they predict after a miss goes out in the same turn as the
 * demanded page, so that both share a request, and again as soon as bytes arrive. No read waits for a prediction or fails
 * by it; what was predicted because of a read is dropped when that read is aborted.
 *
 * Where a reader asks by itself for what it will want, only those predict that know what its plans do not.
 *
 * @param predictors one, or several, the surest first: what the earlier ones predict goes out first
 * @throws {LacunaError} `INVALID_OPTION` for an option out of range
 */
export function withPrefetch(
  source: PrefetchSource,
  predictors: Predictor | readonly Predictor[],
  options: WithPrefetchOptions = {},
): PredictiveSource {
  const all = "observe" in predictors ? [predictors] : predictors;
  return new PredictingSource(source, all, options);
}

/** One predictor with the budget that it has earned. */
interface Lane {
  readonly predictor: Predictor;
  readonly cause: PrefetchCause;
  readonly budget: PrefetchBudget;
  failures: number;
}

class PredictingSource implements PredictiveSource {
  readonly revision: Revision;
  readonly pageSize: number;
  readonly pageCount: number;
  readonly #source: PrefetchSource;
  readonly #lanes: readonly Lane[];
  readonly #limit: number;
  readonly #budget: number;
  #latest: PageNo | undefined;
  /** Whether the reader who waited last asks by itself for what it will want. */
  #planned = false;

  constructor(source: PrefetchSource, predictors: readonly Predictor[], options: WithPrefetchOptions) {
    this.revision = source.revision;
    this.pageSize = source.pageSize;
    this.pageCount = source.pageCount;
    this.#source = source;
    this.#limit = atLeast(1, "limit", options.limit ?? 1024);
    const budget = atLeast(1, "budget", options.budget ?? 2048);
    this.#budget = budget;
    this.#lanes = predictors.map((predictor) => {
      const { cause = "other" } = predictor;
      return { predictor, cause, budget: new PrefetchBudget(budget), failures: 0 };
    });
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
  glance(page: PageNo, into?: Uint8Array): Uint8Array | undefined {
    const source = this.#source;
    return source.glance === undefined ? source.peek(page) : source.glance(page, into);
  }

  holds(page: PageNo): boolean {
    const source = this.#source;
    return source.holds === undefined ? source.peek(page) !== undefined : source.holds(page);
  }

  get memoryBytes(): number | undefined {
    return this.#source.memoryBytes;
  }

  linkEstimate(): LinkEstimate | undefined {
    return this.#source.linkEstimate?.();
  }

  async read(page: PageNo, options: ReadOptions = {}): Promise<Uint8Array> {
    const here = this.#source.peek(page);
    if (here !== undefined) {
      if (page !== this.#latest || options.hint !== undefined) this.#come(page, here, options);
      return here;
    }
    this.#planned = options.planned === true;
    const reading = this.#source.read(page, options);
    this.#askAgain(page, options.signal);
    this.#observe(page, undefined, options, true);
    this.#predict(options.signal);
    const bytes = await reading;
    this.#planned = options.planned === true;
    this.#observe(page, bytes, options, true);
    this.#predict(options.signal);
    return bytes;
  }

  prefetch(pages: readonly PageNo[], options?: PrefetchOptions): Promise<void> {
    return this.#source.prefetch(pages, options);
  }

  predictions(): Predictions {
    const causes: Partial<Record<PrefetchCause, PredictionStats>> = {};
    const total = { predicted: 0, used: 0, wasted: 0, pending: 0, allowance: 0, failures: 0 };
    for (const { cause, budget, failures } of this.#lanes) {
      const stats = { ...budget.stats(), failures };
      causes[cause] = stats;
      for (const name of Object.keys(total) as (keyof typeof total)[]) total[name] += stats[name];
    }
    return { ...total, allowance: Math.min(this.#budget, total.allowance), causes };
  }

  /** A reader comes to a page that is here. */
  #come(page: PageNo, bytes: Uint8Array, options: ReadOptions | undefined): void {
    // Where readers miss nothing there is nothing to predict: that is left until a miss, or a page that was predicted.
    const predicted = this.#observe(page, bytes, options, false);
    if (predicted) this.#predict(options?.signal);
  }

  /** @returns whether the page was predicted */
  #observe(
    page: PageNo,
    bytes: Uint8Array | undefined,
    options: ReadOptions | undefined,
    miss: boolean,
  ): boolean {
    this.#latest = page;
    const event = { page, bytes, hint: options?.hint, task: options?.task, miss };
    let predicted = false;
    for (const lane of this.#lanes) {
      try {
        lane.predictor.observe(event);
      } catch {
        lane.failures++;
      }
      if (lane.budget.access(page, miss && bytes === undefined)) predicted = true;
    }
    return predicted;
  }

  #predict(signal: AbortSignal | undefined): void {
    if (signal?.aborted) return;
    for (const lane of this.#lanes) {
      if (this.#planned && lane.predictor.beyondPlans !== true) continue;
      const pending = this.#lanes.reduce((sum, { budget }) => sum + budget.pending, 0);
      const room = Math.min(this.#limit, lane.budget.room, this.#budget - pending);
      if (room > 0) this.#predictIn(lane, room, signal);
    }
  }

  #predictIn(lane: Lane, room: number, signal: AbortSignal | undefined): void {
    let pages: readonly PageNo[];
    try {
      pages = lane.predictor.predict(room);
    } catch {
      lane.failures++;
      return;
    }
    if (pages.length === 0) return;
    // What is here has not to be predicted, and what another predicted is paid for already.
    const absent = pages.filter((page) => this.#batchOf(page) === undefined && !this.#isHere(page));
    const batch = lane.budget.spend(absent);
    if (batch.pages.length > 0) this.#send(lane, batch, signal);
  }

  #isHere(page: PageNo): boolean {
    const source = this.#source;
    return source.holds?.(page) ?? source.glance?.(page) !== undefined;
  }

  #batchOf(page: PageNo): Batch | undefined {
    for (const { budget } of this.#lanes) {
      const batch = budget.batchOf(page);
      if (batch !== undefined) return batch;
    }
    return undefined;
  }

  #send({ budget, cause }: Lane, batch: Batch, signal: AbortSignal | undefined): void {
    const over = (): void => {
      batch.over = true;
    };
    batch.over = false;
    this.#source.prefetch(budget.pendingOf(batch), { signal, cause }).then(() => {
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
    for (const lane of this.#lanes) {
      const batch = lane.budget.batchOf(page);
      if (batch?.over) this.#send(lane, batch, signal);
    }
  }
}
