import { Flight } from "@lacuna/page";

/**
 * What was loaded lately, up to a size, and what is being loaded: whoever asks for the same thing meanwhile waits for the
 * same load. Keys name contents that never change.
 */
export class Recent<T extends object> {
  readonly #most: number;
  readonly #sizeOf: (value: T) => number;
  /** The one asked for last at the end. */
  readonly #kept = new Map<string, T>();
  readonly #coming = new Map<string, Flight<T>>();
  #size = 0;

  constructor(most: number, sizeOf: (value: T) => number) {
    this.#most = most;
    this.#sizeOf = sizeOf;
  }

  /** Aborting `signal` ends this wait only; the last one to leave cancels the load. */
  async get(key: string, signal: AbortSignal, load: (signal: AbortSignal) => Promise<T>): Promise<T> {
    const kept = this.#kept.get(key);
    if (kept !== undefined) {
      this.#kept.delete(key);
      this.#kept.set(key, kept);
      return kept;
    }
    let flight = this.#coming.get(key);
    if (flight === undefined || flight.abandoned) {
      const started = new Flight(async (aborted) => {
        try {
          const value = await load(aborted);
          this.#keep(key, value);
          return value;
        } finally {
          if (this.#coming.get(key) === started) this.#coming.delete(key);
        }
      });
      flight = started;
      this.#coming.set(key, flight);
    }
    return flight.join(signal);
  }

  #keep(key: string, value: T): void {
    // A load that everybody left may end well all the same, and so may the one that took its place.
    if (this.#kept.has(key)) return;
    this.#kept.set(key, value);
    this.#size += this.#sizeOf(value);
    for (const [oldest, dropped] of this.#kept) {
      if (this.#size <= this.#most) return;
      this.#kept.delete(oldest);
      this.#size -= this.#sizeOf(dropped);
    }
  }
}
