/** Lets one writer at a time, in the order asked. */
export class WriterQueue {
  readonly #waiting: (() => void)[] = [];
  #busy = false;

  /**
   * Waits for its turn.
   * @returns what ends it; calling that again is harmless
   * @throws the reason of a signal that aborts meanwhile
   */
  async turn(signals: readonly (AbortSignal | undefined)[]): Promise<() => void> {
    for (const signal of signals) signal?.throwIfAborted();
    if (this.#busy) await this.#wait(signals);
    this.#busy = true;
    let over = false;
    return () => {
      if (over) return;
      over = true;
      const next = this.#waiting.shift();
      // Handed on, so that nobody who asks now comes first.
      if (next === undefined) this.#busy = false;
      else next();
    };
  }

  #wait(signals: readonly (AbortSignal | undefined)[]): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        for (const signal of signals) signal?.removeEventListener("abort", abort);
      };
      const begin = (): void => {
        leave();
        resolve();
      };
      const abort = ({ target }: Event): void => {
        leave();
        this.#waiting.splice(this.#waiting.indexOf(begin), 1);
        reject(target instanceof AbortSignal ? target.reason : undefined);
      };
      for (const signal of signals) signal?.addEventListener("abort", abort);
      this.#waiting.push(begin);
    });
  }
}
