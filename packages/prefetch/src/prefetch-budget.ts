import { PageMap, type PageNo } from "@lacuna/page";

/** What became of predictions. Counted in pages. */
export interface PredictionStats {
  /** Pages predicted. */
  readonly predicted: number;
  /** Of these, pages a reader came to. */
  readonly used: number;
  /** Of these, pages given up as not wanted. */
  readonly wasted: number;
  /** Of these, pages nobody has come to yet. */
  readonly pending: number;
  /** How many pages may be pending now: the budget, less where predictions proved wrong. */
  readonly allowance: number;
  /** Errors of the predictor, which nobody else hears of. */
  readonly failures: number;
}

/** Pages that were predicted together. */
export interface Batch {
  readonly pages: readonly PageNo[];
  /** How many of them nobody has come to. */
  pending: number;
  /** The miss by which they are given up. */
  due: number;
  /** Whether fetching them is over, in whatever way. */
  over: boolean;
}

/** What is left to spend when nothing predicted is ever used: enough to notice that it is used again. */
const MIN_ALLOWANCE = 16;
/** Pages whose fate must be known before the allowance follows it. */
const MIN_EVIDENCE = 32;
/** Older fates count half each time that so many are known. */
const MEMORY = 1024;

/**
 * Limits how many predicted pages may be pending, by how many of the latest were used: the whole budget when at least
 * half were, less in proportion when fewer were.
 */
export class PrefetchBudget {
  readonly #budget: number;
  readonly #batchOf = new PageMap<Batch>();
  #batches: Batch[] = [];
  #misses = 0;
  #predicted = 0;
  #used = 0;
  #wasted = 0;
  #latelyUsed = 0;
  #latelyWasted = 0;

  constructor(budget: number) {
    this.#budget = budget;
  }

  get allowance(): number {
    const known = this.#latelyUsed + this.#latelyWasted;
    if (known < MIN_EVIDENCE) return this.#budget;
    const share = Math.min(1, (2 * this.#latelyUsed) / known);
    return Math.max(Math.min(MIN_ALLOWANCE, this.#budget), Math.floor(this.#budget * share));
  }

  /** Pages predicted that nobody has come to. */
  get pending(): number {
    return this.#batchOf.size;
  }

  /** How many more pages may be predicted now. */
  get room(): number {
    return Math.max(0, this.allowance - this.#batchOf.size);
  }

  /** A reader came to a page. @returns whether it was pending */
  access(page: PageNo, miss: boolean): boolean {
    // Time is told by misses: a statement that starts over reads the same pages again and again.
    if (miss) this.#misses++;
    const oldest = this.#batches[0];
    if (oldest === undefined) return false;
    const batch = this.#batchOf.get(page);
    if (batch !== undefined) {
      this.#batchOf.delete(page);
      batch.pending--;
      this.#used++;
      this.#latelyUsed++;
    }
    if (oldest.pending === 0 || oldest.due <= this.#misses) this.#giveUp(oldest);
    return batch !== undefined;
  }

  /** The batch in which a page is pending. */
  batchOf(page: PageNo): Batch | undefined {
    return this.#batchOf.get(page);
  }

  /** The pages of a batch that nobody has come to. */
  pendingOf(batch: Batch): PageNo[] {
    return batch.pages.filter((page) => this.#batchOf.get(page) === batch);
  }

  /** Pages are predicted; those that are pending already do not count again. */
  spend(pages: readonly PageNo[]): Batch {
    const fresh: PageNo[] = [];
    const batch: Batch = { pages: fresh, pending: 0, due: 0, over: false };
    for (const page of pages) {
      if (this.#batchOf.has(page)) continue;
      this.#batchOf.set(page, batch);
      fresh.push(page);
    }
    batch.pending = fresh.length;
    // Scans that take turns come to a page late: the more is pending, the later.
    batch.due = this.#misses + 512 + 8 * this.#batchOf.size;
    this.#predicted += fresh.length;
    if (fresh.length > 0) this.#batches.push(batch);
    return batch;
  }

  stats(): Omit<PredictionStats, "failures"> {
    return {
      predicted: this.#predicted,
      used: this.#used,
      wasted: this.#wasted,
      pending: this.#batchOf.size,
      allowance: this.allowance,
    };
  }

  #giveUp(oldest: Batch): void {
    this.#batches.shift();
    for (const page of this.pendingOf(oldest)) this.#batchOf.delete(page);
    this.#wasted += oldest.pending;
    this.#latelyWasted += oldest.pending;
    if (this.#latelyUsed + this.#latelyWasted < MEMORY) return;
    this.#latelyUsed /= 2;
    this.#latelyWasted /= 2;
  }
}
