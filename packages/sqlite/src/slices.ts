import type { Circumstances } from "./connection-setup.ts";
import { pause, SLICE_MILLISECONDS } from "./pause.ts";

export type Slicing = NonNullable<Circumstances["slices"]>;

const USUAL: Slicing = { milliseconds: SLICE_MILLISECONDS, pause };

/** Has SQLite compute in slices: between them other events happen, and a statement that was aborted ends. */
export class Slices {
  readonly #canWait: boolean;
  #signal: AbortSignal | undefined;
  #slicing = USUAL;
  #sliceEnd = 0;

  /** @param canWait whether SQLite can be suspended; if not, a statement ends after its first slice */
  constructor(canWait: boolean) {
    this.#canWait = canWait;
  }

  begin(signal: AbortSignal, slicing: Slicing = USUAL): void {
    this.#signal = signal;
    this.#slicing = slicing;
    this.#sliceEnd = performance.now() + slicing.milliseconds;
  }

  end(): void {
    this.#signal = undefined;
  }

  /** To be called between rows, outside of SQLite. @throws the reason of the signal if it aborted */
  async betweenRows(): Promise<void> {
    if (performance.now() > this.#sliceEnd) await this.#breathe();
  }

  /** To be called by SQLite as it computes. @returns other than 0 to end the statement */
  onProgress(): number | Promise<number> {
    if (this.#signal === undefined) return 0;
    if (this.#signal.aborted) return 1;
    if (performance.now() <= this.#sliceEnd) return 0;
    if (!this.#canWait) return 1;
    return this.#breathe().then(
      () => 0,
      () => 1,
    );
  }

  async #breathe(): Promise<void> {
    await this.#slicing.pause();
    this.#signal?.throwIfAborted();
    this.#sliceEnd = performance.now() + this.#slicing.milliseconds;
  }
}
