interface Waiting {
  readonly at: number;
  readonly callback: () => void;
}

/** Timers that pass only when told to. */
export class ManualTimers {
  #now = 0;
  #next = 1;
  readonly #waiting = new Map<number, Waiting>();

  /** How many are set and not yet due. */
  get pending(): number {
    return this.#waiting.size;
  }

  readonly setTimeout = (callback: () => void, ms: number): unknown => {
    this.#waiting.set(this.#next, { at: this.#now + ms, callback });
    return this.#next++;
  };

  readonly clearTimeout = (handle: unknown): void => {
    this.#waiting.delete(handle as number);
  };

  /** Lets milliseconds pass: what falls due is called back in its order, before this returns. */
  advance(ms: number): void {
    const until = this.#now + ms;
    for (;;) {
      const due = [...this.#waiting].filter(([, { at }]) => at <= until).sort((a, b) => a[1].at - b[1].at)[0];
      if (due === undefined) break;
      this.#waiting.delete(due[0]);
      this.#now = due[1].at;
      due[1].callback();
    }
    this.#now = until;
  }
}
