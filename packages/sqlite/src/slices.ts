import { pause } from "./pause.ts";

/** How a computation is cut into slices. */
export interface Slicing {
  /** Steps of SQLite's virtual machine at a stretch. */
  readonly steps: number;
  /** What is waited for in between. */
  readonly pause: () => Promise<void>;
  /** A statement ends with its first slice where SQLite cannot be suspended. */
  readonly endsEarly: boolean;
}

/** Steps between two calls of `onProgress`. */
export const PROGRESS_STEPS = 20_000;

/** Some 10 ms. Where SQLite cannot be suspended it goes on all the same. */
const USUAL: Slicing = { steps: 200_000, pause, endsEarly: false };

/** For statements beside others on an instance that cannot be suspended: about 1 ms. */
export const SHORT: Slicing = { steps: PROGRESS_STEPS, pause, endsEarly: true };

/**
 * Has SQLite compute in slices: between them other events happen, and a statement that was aborted ends. Slices are counted
 * and not timed, so that what a statement asks for does not depend on how fast it is computed.
 */
export class Slices {
  readonly #canWait: boolean;
  #signal: AbortSignal | undefined;
  #slicing = USUAL;
  #steps = 0;
  #sliceEnd = 0;

  /** @param canWait whether SQLite can be suspended */
  constructor(canWait: boolean) {
    this.#canWait = canWait;
  }

  /** Steps since `begin`, roughly. */
  get steps(): number {
    return this.#steps;
  }

  begin(signal: AbortSignal, slicing: Slicing = USUAL): void {
    this.#signal = signal;
    this.#slicing = slicing;
    this.#steps = 0;
    this.#sliceEnd = slicing.steps;
  }

  end(): void {
    this.#signal = undefined;
  }

  /** To be called after a buffer full of rows, outside of SQLite. @throws the reason of the signal if it aborted */
  async betweenRows(): Promise<void> {
    // Making values of them takes as long as so many steps.
    this.#steps += PROGRESS_STEPS;
    if (this.#steps >= this.#sliceEnd) await this.#breathe();
  }

  /** To be called by SQLite as it computes. @returns other than 0 to end the statement */
  onProgress(): number | Promise<number> {
    if (this.#signal === undefined) return 0;
    if (this.#signal.aborted) return 1;
    this.#steps += PROGRESS_STEPS;
    if (this.#steps < this.#sliceEnd) return 0;
    if (!this.#canWait) return this.#slicing.endsEarly ? 1 : 0;
    return this.#breathe().then(
      () => 0,
      () => 1,
    );
  }

  async #breathe(): Promise<void> {
    await this.#slicing.pause();
    this.#signal?.throwIfAborted();
    this.#sliceEnd = this.#steps + this.#slicing.steps;
  }
}
