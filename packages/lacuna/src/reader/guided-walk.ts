import type { Step, Walk } from "@lacuna/btree";
import type { PageNo, PrefetchSource } from "@lacuna/page";
import type { RangeAhead } from "./range-ahead.ts";

/** A walk with its source: it takes pages that are here, and fetches those that are not together with what comes next. */
export class GuidedWalk<W extends Walk> {
  readonly walk: W;
  readonly #source: PrefetchSource;
  readonly #ahead: RangeAhead;
  readonly #signal: AbortSignal | undefined;
  readonly #over = new AbortController();
  readonly #prefetchSignal: AbortSignal;
  #prefetches = 0;

  constructor(walk: W, source: PrefetchSource, ahead: RangeAhead, signal: AbortSignal | undefined) {
    this.walk = walk;
    this.#source = source;
    this.#ahead = ahead;
    this.#signal = signal;
    const { signal: over } = this.#over;
    this.#prefetchSignal = signal === undefined ? over : AbortSignal.any([over, signal]);
  }

  /** As `advance` of `@lacuna/btree`: a page number is a page to be fetched. */
  step(): Step {
    for (;;) {
      const step = this.walk.step();
      if (typeof step === "boolean") return step;
      const bytes = this.#source.peek(step);
      if (bytes === undefined) return step;
      this.#signal?.throwIfAborted();
      this.#supply(step, bytes);
    }
  }

  /** Fetches the page that `step` named. */
  async fetch(page: PageNo): Promise<void> {
    const reading = this.#source.read(page, { signal: this.#signal, hint: "scan" });
    this.#ask(this.#ahead.missing(page, this.#prefetches === 0));
    this.#supply(page, await reading);
  }

  /** Moves to the next entry, waiting where it has to. @returns whether there is one */
  async next(): Promise<boolean> {
    for (;;) {
      const step = this.step();
      if (typeof step === "boolean") return step;
      await this.fetch(step);
    }
  }

  /** Drops what was asked for ahead. */
  stop(): void {
    this.#over.abort();
  }

  #supply(page: PageNo, bytes: Uint8Array): void {
    this.walk.supply(page, bytes);
    this.#ahead.passed(page, bytes);
    if (this.#ahead.due) this.#ask(this.#ahead.take());
  }

  #ask(pages: readonly PageNo[]): void {
    if (pages.length === 0) return;
    this.#prefetches++;
    const options = { signal: this.#prefetchSignal, cause: "walk" } as const;
    void this.#source.prefetch(pages, options).finally(() => this.#prefetches--);
  }
}
