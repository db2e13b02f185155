import { LacunaError } from "@lacuna/page";
import type { ServedView } from "./served-database.ts";

export type Chunks = AsyncGenerator<Uint8Array, void, undefined>;

export interface ViewStreamOptions {
  /** Ends the stream with the signal's reason. */
  readonly signal: AbortSignal;
  /** How long the receiver may take nothing, in milliseconds, before the stream is ended. */
  readonly stallTimeoutMs: number;
  /** Hears of a failure after the first chunk, when no status can tell of it any more. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * The chunks of an answer as a body. The first one is made before this resolves, so that what goes wrong with it can still
 * be answered properly; the others when the receiver asks for them. The view is closed at the end, on failure, when the
 * receiver leaves, and when it stalls. If this rejects, closing the view is left to the caller.
 */
export async function viewStream(
  view: ServedView,
  chunks: Chunks,
  options: ViewStreamOptions,
): Promise<ReadableStream<Uint8Array>> {
  const first = await chunks.next();
  options.signal.throwIfAborted();
  return new ReadableStream(new ViewSource(view, chunks, first, options), { highWaterMark: 0 });
}

class ViewSource implements UnderlyingDefaultSource<Uint8Array> {
  readonly #view: ServedView;
  readonly #chunks: Chunks;
  readonly #options: ViewStreamOptions;
  #first: IteratorResult<Uint8Array, void> | undefined;
  #timer: ReturnType<typeof setTimeout> | undefined;
  #onAbort = (): void => {};
  #finished = false;

  constructor(
    view: ServedView,
    chunks: Chunks,
    first: IteratorResult<Uint8Array, void>,
    options: ViewStreamOptions,
  ) {
    this.#view = view;
    this.#chunks = chunks;
    this.#first = first;
    this.#options = options;
  }

  start(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const { signal } = this.#options;
    this.#onAbort = () => this.#fail(controller, signal.reason);
    signal.addEventListener("abort", this.#onAbort, { once: true });
    this.#expectPull(controller);
  }

  async pull(controller: ReadableStreamDefaultController<Uint8Array>): Promise<void> {
    clearTimeout(this.#timer);
    try {
      const next = this.#first ?? (await this.#chunks.next());
      this.#first = undefined;
      if (this.#finished) return;
      if (next.done === true) {
        await this.#finish();
        controller.close();
        return;
      }
      controller.enqueue(next.value);
      this.#expectPull(controller);
    } catch (error) {
      if (!this.#finished) this.#options.onFailure(error);
      await this.#finish();
      throw error;
    }
  }

  async cancel(): Promise<void> {
    await this.#finish();
  }

  #expectPull(controller: ReadableStreamDefaultController<Uint8Array>): void {
    const { stallTimeoutMs, onFailure } = this.#options;
    this.#timer = setTimeout(() => {
      const error = new LacunaError("TIMEOUT", `the receiver took nothing for ${stallTimeoutMs} ms`);
      onFailure(error);
      this.#fail(controller, error);
    }, stallTimeoutMs);
  }

  #fail(controller: ReadableStreamDefaultController<Uint8Array>, error: unknown): void {
    if (this.#finished) return;
    controller.error(error);
    this.#finish().catch(this.#options.onFailure);
  }

  async #finish(): Promise<void> {
    if (this.#finished) return;
    this.#finished = true;
    clearTimeout(this.#timer);
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    await this.#chunks.return();
    await this.#view.close();
  }
}
