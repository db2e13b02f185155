import { isLacunaError, type LacunaErrorCode } from "@lacuna/page";
import { checkCount, checkMilliseconds } from "./check-count.ts";
import { sleep } from "./timers.ts";

export interface RetryOptions {
  /**
   * Attempts in a row that bring nothing before the failure is reported, the first included; 1 switches retries off.
   * @default 4
   */
  readonly attempts?: number | undefined;
  /**
   * The longest wait before the second attempt, in milliseconds; it doubles with each further one.
   * @default 100
   */
  readonly baseDelayMs?: number | undefined;
  /**
   * Where the doubling ends, in milliseconds.
   * @default 5000
   */
  readonly maxDelayMs?: number | undefined;
  /**
   * The longest `Retry-After` that is waited for, in milliseconds. If a server asks for more, its refusal is reported.
   * @default 30000
   */
  readonly maxRetryAfterMs?: number | undefined;
  /** Picks the wait between none and the longest, from 0 inclusive to 1 exclusive. @default Math.random */
  readonly random?: (() => number) | undefined;
  /** Waits so many milliseconds; rejects with the signal's reason when aborted. */
  readonly sleep?: ((ms: number, signal?: AbortSignal) => Promise<void>) | undefined;
}

const TRANSIENT: ReadonlySet<LacunaErrorCode> = new Set(["NETWORK", "TIMEOUT", "SHORT_READ"]);
const TRANSIENT_STATUS: ReadonlySet<number> = new Set([408, 425, 429]);

/** When to try again, and after what wait. */
export class RetryPolicy {
  readonly #options: Required<{ [K in keyof RetryOptions]: NonNullable<RetryOptions[K]> }>;

  /** @throws {LacunaError} `INVALID_OPTION` */
  constructor(options: RetryOptions) {
    const {
      attempts = 4,
      baseDelayMs = 100,
      maxDelayMs = 5000,
      maxRetryAfterMs = 30_000,
      random = Math.random,
      sleep: wait = sleep,
    } = options;
    checkCount("attempts", attempts, 1);
    checkMilliseconds("baseDelayMs", baseDelayMs);
    checkMilliseconds("maxDelayMs", maxDelayMs);
    checkMilliseconds("maxRetryAfterMs", maxRetryAfterMs);
    this.#options = { attempts, baseDelayMs, maxDelayMs, maxRetryAfterMs, random, sleep: wait };
  }

  /**
   * Runs the work until it ends well.
   * @throws what it failed with when that is not worth another attempt, or there were enough
   * @throws `signal.reason` as soon as aborted
   */
  async run<T>(work: () => Promise<T>, signal: AbortSignal | undefined): Promise<T> {
    for (let failures = 1; ; failures++) {
      try {
        return await work();
      } catch (error) {
        await this.pause(error, failures, signal);
      }
    }
  }

  /**
   * Waits until the next attempt is due.
   * @param failures attempts that failed in a row, this one included
   * @throws `error` if it is not worth another attempt, or was the last
   * @throws `signal.reason` as soon as aborted
   */
  async pause(error: unknown, failures: number, signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted();
    const { attempts, baseDelayMs, maxDelayMs, maxRetryAfterMs, random, sleep } = this.#options;
    if (failures >= attempts || !isTransient(error)) throw error;
    const asked = retryAfterOf(error);
    if (asked > maxRetryAfterMs) throw error;
    const longest = Math.min(maxDelayMs, baseDelayMs * 2 ** (failures - 1));
    await sleep(Math.max(asked, random() * longest), signal);
    signal?.throwIfAborted();
  }
}

function isTransient(error: unknown): boolean {
  if (!isLacunaError(error)) return false;
  if (error.code !== "HTTP_STATUS") return TRANSIENT.has(error.code);
  const { status = 0 } = error;
  return status >= 500 || TRANSIENT_STATUS.has(status);
}

/** Read by its name, so that an error of another installed copy of this package counts too. */
function retryAfterOf(error: unknown): number {
  const found = error instanceof Error && "retryAfterMs" in error ? error.retryAfterMs : undefined;
  return typeof found === "number" ? found : 0;
}
