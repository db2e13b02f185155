/** A connection as it is simulated. */
export interface Link {
  /** Milliseconds that each request waits before it is answered. */
  readonly roundTripMs: number;
  /** What all answers together may bring. */
  readonly bytesPerSecond: number;
}

/** Waits; rejects with the signal's reason when aborted. */
export type Sleep = (ms: number, signal: AbortSignal | undefined) => Promise<void>;

/** Bytes handed over at a time, so that pages arrive one after the other as on a slow connection. */
const PIECE_BYTES = 16 * 1024;

export const sleep: Sleep = (ms, signal) =>
  new Promise((resolve, reject) => {
    const stop = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", stop);
      resolve();
    }, ms);
    if (signal?.aborted) stop();
    else signal?.addEventListener("abort", stop, { once: true });
  });

/**
 * The same `fetch` over a slower connection: a round trip before each answer, and bodies through one link that all requests
 * share, in the order in which their bytes come.
 * @param link asked for with every request; `undefined` for the connection as it is
 */
export function slowFetch(
  inner: typeof fetch,
  link: () => Link | undefined,
  clock: { readonly now: () => number; readonly sleep: Sleep },
): typeof fetch {
  let freeAt = 0;
  return async (input, init) => {
    const simulated = link();
    if (simulated === undefined) return inner(input, init);
    const signal = init?.signal ?? undefined;
    await clock.sleep(simulated.roundTripMs, signal);
    const response = await inner(input, init);
    if (response.body === null) return response;
    const carried = response.body.pipeThrough(
      new TransformStream<Uint8Array<ArrayBuffer>, Uint8Array<ArrayBuffer>>({
        async transform(chunk, controller) {
          for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
            const piece = chunk.subarray(at, at + PIECE_BYTES);
            freeAt = Math.max(freeAt, clock.now()) + (1000 * piece.length) / simulated.bytesPerSecond;
            await clock.sleep(freeAt - clock.now(), signal);
            controller.enqueue(piece);
          }
        },
      }),
    );
    return new Response(carried, response);
  };
}
