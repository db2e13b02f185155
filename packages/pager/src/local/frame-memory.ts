import type { Frame } from "./overlay.ts";

/** Pages of the overlay that were read or written last, within a budget. */
export class FrameMemory {
  readonly #capacity: number;
  // In the order of their last use, the oldest first.
  readonly #pages = new Map<Frame, Uint8Array>();

  /** @param capacity in pages */
  constructor(capacity: number) {
    this.#capacity = capacity;
  }

  get(frame: Frame): Uint8Array | undefined {
    const bytes = this.#pages.get(frame);
    if (bytes === undefined) return undefined;
    this.#pages.delete(frame);
    this.#pages.set(frame, bytes);
    return bytes;
  }

  /** Keeps `bytes`, which must not change any more. */
  add(frame: Frame, bytes: Uint8Array): void {
    this.#pages.set(frame, bytes);
    if (this.#pages.size <= this.#capacity) return;
    for (const oldest of this.#pages.keys()) {
      this.#pages.delete(oldest);
      break;
    }
  }

  delete(frame: Frame): void {
    this.#pages.delete(frame);
  }
}
