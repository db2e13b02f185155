import type { PageNo, PrefetchCause, PrefetchOptions } from "@lacuna/page";

/** One call of `prefetch`, until its pages have come, failed or were dropped. */
export class PrefetchCall {
  readonly pages: readonly PageNo[];
  readonly cause: PrefetchCause;
  readonly done: Promise<void>;
  /** Requests on the way with pages of it. */
  open = 0;
  readonly #signal: AbortSignal | undefined;
  readonly #onAbort: () => void;
  #live = true;
  #resolve: () => void = () => {};

  /** @param onAborted called when the signal aborts while the call is live */
  constructor(pages: readonly PageNo[], { signal, cause = "other" }: PrefetchOptions, onAborted: () => void) {
    this.pages = pages;
    this.cause = cause;
    this.#signal = signal;
    this.done = new Promise((resolve) => {
      this.#resolve = resolve;
    });
    this.#onAbort = () => {
      this.end();
      onAborted();
    };
    if (signal?.aborted) this.end();
    else signal?.addEventListener("abort", this.#onAbort, { once: true });
  }

  /** False once the call is over; what is left of it is then unwanted. */
  get live(): boolean {
    return this.#live;
  }

  end(): void {
    this.#live = false;
    this.#signal?.removeEventListener("abort", this.#onAbort);
    this.#resolve();
  }
}
