import { LacunaError } from "@lacuna/page";
import { checkMilliseconds } from "./check-count.ts";
import { sleep, type Timers } from "./timers.ts";

export interface RetryFetchOptions {
  /**
   * Requests in all, the first included; at least 1.
   * @default 3
   */
  readonly attempts?: number | undefined;
  /**
   * Milliseconds before the second request.
   * @default 500
   */
  readonly delayMs?: number | undefined;
  /**
   * What the wait grows by each time.
   * @default 2
   */
  readonly backoff?: number | undefined;
  /** @default the runtime's `fetch` */
  readonly fetch?: typeof fetch | undefined;
  readonly timers?: Timers | undefined;
}

/**
 * A `fetch` that asks again after a thrown error, a status of 500 or more, or 429. Any other answer is given back at once;
 * after the last attempt its answer is given back, or its error thrown. An abort ends it at once, and a body that is a
 * stream is sent only once. Errors in the middle of a body are not seen here: `withRetry` handles those.
 * @throws {LacunaError} `INVALID_OPTION` if `attempts` is less than 1 or not finite
 */
export function retryFetch(options: RetryFetchOptions = {}): typeof fetch {
  const { attempts = 3, delayMs = 500, backoff = 2, timers } = options;
  if (!Number.isFinite(attempts) || attempts < 1) {
    throw new LacunaError(
      "INVALID_OPTION",
      `attempts must be a finite number of at least 1, got ${attempts}`,
    );
  }
  checkMilliseconds("delayMs", delayMs);
  return async (input, init) => {
    const { fetch = globalThis.fetch } = options;
    const signal = init?.signal ?? (input instanceof Request ? input.signal : undefined);
    const left = init?.body instanceof ReadableStream ? 1 : Math.floor(attempts);
    let wait = delayMs;
    for (let attempt = 1; ; attempt++) {
      const last = attempt >= left;
      try {
        const response = await fetch(input instanceof Request && !last ? input.clone() : input, init);
        if (last || (response.status < 500 && response.status !== 429)) return response;
        response.body?.cancel().catch(() => {});
      } catch (error) {
        if (last) throw error;
      }
      await sleep(wait, signal ?? undefined, timers);
      wait *= backoff;
    }
  };
}
