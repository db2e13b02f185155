import { Flight, isLacunaError, LacunaError } from "@lacuna/page";

export interface RepinningOptions {
  /** Moves on. `signal` aborts when nobody waits for it any more, and on close. Absent: there is nowhere to move to. */
  readonly repin: ((signal: AbortSignal) => Promise<void>) | undefined;
  /** @default 1000 */
  readonly repinRetryMs: number | undefined;
  /** @default performance.now */
  readonly now: (() => number) | undefined;
  /** Aborts on close. */
  readonly closing: AbortSignal;
}

/** Moves to another revision once for all who wait, one move at a time. */
export class Repinning {
  readonly #repin: RepinningOptions["repin"];
  readonly #retryMs: number;
  readonly #now: () => number;
  readonly #closing: AbortSignal;
  #stale = false;
  /** When the next try may be made. */
  #retryAt = Number.NEGATIVE_INFINITY;
  #running: Flight<void> | undefined;
  #ended: Promise<void> = Promise.resolve();

  /** @throws {LacunaError} `INVALID_OPTION` for an option out of range */
  constructor({ repin, repinRetryMs = 1000, now = () => performance.now(), closing }: RepinningOptions) {
    if (!(repinRetryMs >= 0)) {
      throw new LacunaError("INVALID_OPTION", `repinRetryMs must be at least 0, got ${repinRetryMs}`);
    }
    this.#repin = repin;
    this.#retryMs = repinRetryMs;
    this.#now = now;
    this.#closing = closing;
  }

  /** True if the base is stale and it is time to move on. */
  get due(): boolean {
    return this.#stale && (this.#running !== undefined || this.#now() >= this.#retryAt);
  }

  /** Resolves when the move that was begun last has ended. */
  get ended(): Promise<void> {
    return this.#ended;
  }

  /** The remote no longer serves the revision. */
  markStale(): void {
    this.#stale = this.#repin !== undefined;
  }

  /** Somebody moved on by other means. */
  markCurrent(): void {
    this.#stale = false;
  }

  /** Resolves when it has moved on, or the remote could not be reached. */
  async moveOn(signal: AbortSignal | undefined): Promise<void> {
    if (this.#running === undefined || this.#running.abandoned) {
      this.#running = new Flight((unwanted) => this.#untilClosed(this.#begin(unwanted)));
    }
    await this.#running.join(signal);
  }

  /** Begins when the move before has ended: both would write to the same store. */
  #begin(unwanted: AbortSignal): Promise<void> {
    const signal = AbortSignal.any([unwanted, this.#closing]);
    const running = this.#ended
      .then(() => this.#move(signal))
      .finally(() => {
        // Before its waiters hear of it, so that a failure is forgotten when they try again.
        if (this.#ended === ended) this.#running = undefined;
      });
    const ended = running.catch(() => {});
    this.#ended = ended;
    return running;
  }

  async #move(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted();
    if (!this.#stale) return;
    try {
      await this.#repin?.(signal);
      this.#stale = false;
    } catch (error) {
      if (!isUnreachable(error)) throw error;
      this.#retryAt = this.#now() + this.#retryMs;
    }
  }

  #untilClosed(running: Promise<void>): Promise<void> {
    const closing = this.#closing;
    let onClose = (): void => {};
    const closed = new Promise<never>((_, reject) => {
      onClose = () => reject(closing.reason);
      closing.addEventListener("abort", onClose, { once: true });
    });
    return Promise.race([running, closed]).finally(() => closing.removeEventListener("abort", onClose));
  }
}

function isUnreachable(error: unknown): boolean {
  return (
    isLacunaError(error, "NETWORK") || isLacunaError(error, "TIMEOUT") || isLacunaError(error, "OFFLINE")
  );
}
