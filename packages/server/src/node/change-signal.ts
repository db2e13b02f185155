/** Lets any number of waiters know that something changed. */
export class ChangeSignal {
  readonly #waiters = new Set<(reason?: { readonly error: unknown }) => void>();

  tell(): void {
    for (const wake of [...this.#waiters]) wake();
  }

  /** Ends every wait with an error. */
  fail(error: unknown): void {
    for (const wake of [...this.#waiters]) wake({ error });
  }

  /**
   * Resolves at the next `tell`, or when the time is over.
   * @throws `signal.reason` if aborted
   */
  wait(timeoutMs: number, signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const end = (): void => {
        clearTimeout(timer);
        this.#waiters.delete(wake);
        signal?.removeEventListener("abort", abort);
      };
      const wake = (reason?: { readonly error: unknown }): void => {
        end();
        if (reason === undefined) resolve();
        else reject(reason.error);
      };
      const abort = (): void => wake({ error: signal?.reason });
      const timer = setTimeout(wake, timeoutMs);
      this.#waiters.add(wake);
      if (signal?.aborted) abort();
      else signal?.addEventListener("abort", abort, { once: true });
    });
  }
}
