/**
 * The lifetime of one operation: its signal aborts when one of the sources does, or when the operation is given up.
 * `end()` must be called when the operation is over, so that long-lived sources do not keep it.
 */
export class AbortScope {
  readonly #controller = new AbortController();
  readonly #unlink: (() => void)[] = [];

  constructor(...sources: readonly (AbortSignal | undefined)[]) {
    for (const source of sources) {
      if (source === undefined) continue;
      if (source.aborted) {
        this.abort(source.reason);
        return;
      }
      const follow = (): void => this.abort(source.reason);
      source.addEventListener("abort", follow, { once: true });
      this.#unlink.push(() => source.removeEventListener("abort", follow));
    }
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
    this.#forget();
  }

  /** Cancels whatever of the operation is still going on, and lets go of the sources. */
  end(): void {
    this.abort(new DOMException("the operation is over", "AbortError"));
  }

  #forget(): void {
    for (const unlink of this.#unlink.splice(0)) unlink();
  }
}

/**
 * The promise's result, or the signal's reason as soon as it aborts, whether or not the work heeds the signal.
 * @param late is given a result that nobody waits for any more
 */
export async function untilAborted<T>(
  work: Promise<T>,
  signal: AbortSignal,
  late: (result: T) => void = () => {},
): Promise<T> {
  let leave = (): void => {};
  const left = new Promise<never>((_, reject) => {
    leave = () => {
      reject(signal.reason);
      work.then(late, () => {});
    };
  });
  if (signal.aborted) leave();
  else signal.addEventListener("abort", leave, { once: true });
  try {
    return await Promise.race([left, work]);
  } finally {
    signal.removeEventListener("abort", leave);
  }
}
