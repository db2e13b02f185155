/** Bytes by which the memory of the process grew at most. */
export interface MemoryGrowth {
  /** The resident set: what the operating system gave. */
  readonly resident: number;
  /** The heap of JavaScript, garbage and room for more included. */
  readonly heap: number;
  /** Buffers of JavaScript, garbage included. */
  readonly buffers: number;
}

/**
 * Follows the memory of this process. A sampler can miss a short peak of the resident set, the operating system's own
 * high-water mark cannot; but that mark also remembers what was before, so it counts only once it has risen.
 */
export class PeakMemory {
  readonly baseline = process.memoryUsage();
  readonly #baselineMark = highWaterMark();
  readonly #peak = { ...this.baseline };
  readonly #timer = setInterval(() => this.#sample(), 10);

  /** Stops following. */
  stop(): MemoryGrowth {
    clearInterval(this.#timer);
    this.#sample();
    const mark = highWaterMark();
    const resident = mark > this.#baselineMark ? Math.max(mark, this.#peak.rss) : this.#peak.rss;
    return {
      resident: resident - this.baseline.rss,
      heap: this.#peak.heapTotal - this.baseline.heapTotal,
      buffers: this.#peak.arrayBuffers - this.baseline.arrayBuffers,
    };
  }

  #sample(): void {
    const now = process.memoryUsage();
    for (const kind of ["rss", "heapTotal", "arrayBuffers"] as const) {
      this.#peak[kind] = Math.max(this.#peak[kind], now[kind]);
    }
  }
}

/** The largest resident set this process ever had, in bytes. */
function highWaterMark(): number {
  return process.resourceUsage().maxRSS * 1024;
}
