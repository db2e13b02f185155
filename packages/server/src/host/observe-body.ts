/** What became of a body. */
export interface BodyOutcome {
  /** Bytes handed over. */
  readonly bytes: number;
  /** False if it broke off, or the receiver left. */
  readonly whole: boolean;
}

/** The same response, and what became of its body once it has ended. A response without one has ended already. */
export function observeBody(response: Response, onEnd: (outcome: BodyOutcome) => void): Response {
  const { status, statusText, headers, body } = response;
  if (body === null) {
    onEnd({ bytes: 0, whole: true });
    return response;
  }
  let bytes = 0;
  let ended = false;
  const end = (whole: boolean): void => {
    if (ended) return;
    ended = true;
    onEnd({ bytes, whole });
  };
  const reader = body.getReader();
  const observed = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        try {
          const next = await reader.read();
          if (next.done) {
            end(true);
            controller.close();
            return;
          }
          bytes += next.value.length;
          controller.enqueue(next.value);
        } catch (error) {
          end(false);
          throw error;
        }
      },
      async cancel(reason) {
        end(false);
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
  // A body that is broken off while nobody asks for more is heard of here.
  reader.closed.catch(() => end(false));
  return new Response(observed, { status, statusText, headers });
}
