interface Waiting {
  readonly begin: () => void;
}

/** Lets one writer at a time, in the order asked. */
export class WriterQueue {
  readonly #waiting: Waiting[] = [];
  #busy = false;

  /**
   * Waits for its turn.
   * @returns what ends it; calling that again is harmless
   * @throws the reason of a signal that aborts meanwhile
   */
  async turn(signals: readonly (AbortSignal | undefined)[]): Promise<() => void> {
    const signal = AbortSignal.any(signals.filter((each) => each !== undefined));
    signal.throwIfAborted();
    if (this.#busy) await this.#wait(signal);
    this.#busy = true;
    let over = false;
    return () => {
      if (over) return;
      over = true;
      this.#busy = false;
      this.#waiting.shift()?.begin();
    };
  }

  #wait(signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const abort = (): void => {
        this.#waiting.splice(this.#waiting.indexOf(waiting), 1);
        reject(signal.reason);
      };
      const waiting: Waiting = {
        begin: () => {
          signal.removeEventListener("abort", abort);
          // Taken before anybody else can ask.
          this.#busy = true;
          resolve();
        },
      };
      signal.addEventListener("abort", abort, { once: true });
      this.#waiting.push(waiting);
    });
  }
}
