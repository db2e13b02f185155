import { LacunaError } from "@lacuna/page";

/** Places that are given out in the order they were asked for. */
export class WaitingLine {
  readonly #what: string;
  #free: number;
  readonly #waiting: (() => void)[] = [];

  /** @param what is waited for, for the error */
  constructor(what: string, places: number) {
    this.#what = what;
    this.#free = places;
  }

  /** How many wait. */
  get length(): number {
    return this.#waiting.length;
  }

  /**
   * Waits for a place.
   * @returns what gives the place back; calling it again is harmless
   * @throws {LacunaError} `BUSY` if none became free in time
   * @throws the signal's reason if aborted
   */
  async take(timeoutMs: number, signal: AbortSignal): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#free > 0) this.#free--;
    else await this.#wait(timeoutMs, signal);
    let held = true;
    const leave = (): void => {
      if (!held) return;
      held = false;
      const next = this.#waiting.shift();
      if (next === undefined) this.#free++;
      else next();
    };
    // A place may have become free in the moment of giving up.
    if (signal.aborted) leave();
    signal.throwIfAborted();
    return leave;
  }

  #wait(timeoutMs: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        clearTimeout(timer);
        signal.removeEventListener("abort", onAbort);
        const at = this.#waiting.indexOf(enter);
        if (at >= 0) this.#waiting.splice(at, 1);
      };
      const enter = (): void => {
        leave();
        resolve();
      };
      const onAbort = (): void => {
        leave();
        reject(signal.reason);
      };
      const timer = setTimeout(() => {
        leave();
        reject(new LacunaError("BUSY", `${this.#what} did not become free within ${timeoutMs} ms`));
      }, timeoutMs);
      signal.addEventListener("abort", onAbort, { once: true });
      this.#waiting.push(enter);
    });
  }
}
