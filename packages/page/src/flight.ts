/**
 * One operation under way with any number of independent waiters. A failure is everybody's who waits, and is not kept:
 * whoever starts flights forgets a settled one, so that the next reader tries again.
 */
export class Flight<T> {
  readonly #controller = new AbortController();
  readonly #result: Promise<T>;
  #waiters = 0;
  #settled = false;

  constructor(start: (signal: AbortSignal) => Promise<T>) {
    this.#result = start(this.#controller.signal).finally(() => {
      this.#settled = true;
    });
    // Each waiter sees the failure; with nobody waiting it is nobody's.
    this.#result.catch(() => {});
  }

  /** True once the last waiter left early; such a flight must not be joined. */
  get abandoned(): boolean {
    return this.#controller.signal.aborted;
  }

  /** Aborting `signal` rejects this waiter only; the last one to leave cancels the operation. */
  async join(signal?: AbortSignal): Promise<T> {
    signal?.throwIfAborted();
    this.#waiters++;
    let leave = (): void => {};
    try {
      if (signal === undefined) return await this.#result;
      const left = new Promise<never>((_, reject) => {
        leave = () => reject(signal.reason);
      });
      signal.addEventListener("abort", leave, { once: true });
      return await Promise.race([this.#result, left]);
    } finally {
      signal?.removeEventListener("abort", leave);
      if (--this.#waiters === 0 && !this.#settled) this.#controller.abort();
    }
  }
}
