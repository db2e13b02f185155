/** Who is waiting, and for what. */
interface Waiting {
  readonly alone: boolean;
  readonly enter: () => void;
  readonly leave: (reason: unknown) => void;
}

/**
 * Lets statements through together, or a transaction alone, in the order they asked. Those of the transaction itself do
 * not ask.
 */
export class Ownership {
  #inside = 0;
  #alone = false;
  readonly #queue: Waiting[] = [];

  /** Rejects all who wait: whoever is inside may never leave. */
  close(reason: unknown): void {
    for (const waiting of this.#queue.splice(0)) waiting.leave(reason);
  }

  /** @returns what ends the stay, or a promise of it. @throws `signal.reason` if aborted while waiting, the reason of `close` */
  enter(alone: boolean, signal: AbortSignal | undefined): (() => void) | Promise<() => void> {
    if (this.#queue.length === 0 && this.#admits(alone)) return this.#admit(alone);
    return this.#wait(alone, signal);
  }

  #wait(alone: boolean, signal: AbortSignal | undefined): Promise<() => void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted === true) {
        reject(signal.reason);
        return;
      }
      const abort = (): void => {
        this.#queue.splice(this.#queue.indexOf(waiting), 1);
        reject(signal?.reason);
        this.#next();
      };
      const waiting: Waiting = {
        alone,
        enter: () => {
          signal?.removeEventListener("abort", abort);
          resolve(this.#admit(alone));
        },
        leave: (reason) => {
          signal?.removeEventListener("abort", abort);
          reject(reason);
        },
      };
      signal?.addEventListener("abort", abort, { once: true });
      this.#queue.push(waiting);
    });
  }

  #admits(alone: boolean): boolean {
    return !this.#alone && (!alone || this.#inside === 0);
  }

  #admit(alone: boolean): () => void {
    this.#inside++;
    this.#alone = alone;
    let ended = false;
    return () => {
      if (ended) return;
      ended = true;
      this.#inside--;
      this.#alone = false;
      this.#next();
    };
  }

  #next(): void {
    for (;;) {
      const [first] = this.#queue;
      if (first === undefined || !this.#admits(first.alone)) return;
      this.#queue.shift();
      first.enter();
    }
  }
}
