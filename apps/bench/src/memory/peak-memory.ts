/**
 * Follows the resident set of this process. A sampler can miss a short peak, the operating system's own high-water mark
 * cannot; but that mark also remembers what was before, so it counts only once it has risen.
 */
export class PeakMemory {
  readonly baselineBytes = process.memoryUsage.rss();
  readonly #baselineMark = highWaterMark();
  #sampledBytes = this.baselineBytes;
  readonly #timer = setInterval(() => this.sample(), 10);

  sample(): void {
    this.#sampledBytes = Math.max(this.#sampledBytes, process.memoryUsage.rss());
  }

  /** Stops following. @returns bytes by which the resident set grew at most since the start */
  stop(): number {
    clearInterval(this.#timer);
    this.sample();
    const mark = highWaterMark();
    const peak = mark > this.#baselineMark ? Math.max(mark, this.#sampledBytes) : this.#sampledBytes;
    return peak - this.baselineBytes;
  }
}

/** The largest resident set this process ever had, in bytes. */
function highWaterMark(): number {
  return process.resourceUsage().maxRSS * 1024;
}
