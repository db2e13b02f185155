import type { Handler } from "./sync-handler.ts";

/**
 * A `fetch` that hands its requests to a handler in this process, for tests and for serving and reading in one program.
 * It behaves as the network would: another origin cannot be reached, an answer that is broken off fails with a
 * `TypeError`, and aborting ends both the request and the body, with the signal's reason.
 * @param origin the only origin there is
 */
export function handlerAsFetch(handler: Handler, origin = "http://server"): typeof fetch {
  const only = new URL(origin).origin;
  return async (input, init) => {
    const request = new Request(input, init);
    const { signal, url } = request;
    signal.throwIfAborted();
    if (new URL(url).origin !== only) {
      throw new TypeError("fetch failed", { cause: new Error(`only ${only} can be reached, not ${url}`) });
    }
    let response: Response;
    try {
      response = await untilAborted(handler(request), signal);
    } catch (cause) {
      signal.throwIfAborted();
      throw new TypeError("fetch failed", { cause });
    }
    const { status, statusText, headers } = response;
    const body = response.body === null ? null : networkBody(response.body, signal);
    const answer = new Response(body, { status, statusText, headers });
    Object.defineProperty(answer, "url", { value: url });
    return answer;
  };
}

function untilAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const abort = (): void => reject(signal.reason);
    signal.addEventListener("abort", abort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener("abort", abort));
  });
}

function networkBody(body: ReadableStream<Uint8Array>, signal: AbortSignal): ReadableStream<Uint8Array> {
  const reader = body.getReader();
  let abort = (): void => {};
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        abort = () => {
          controller.error(signal.reason);
          reader.cancel(signal.reason).catch(() => {});
        };
        signal.addEventListener("abort", abort, { once: true });
      },
      async pull(controller) {
        try {
          const next = await reader.read();
          if (signal.aborted) return;
          if (!next.done) return controller.enqueue(next.value);
          signal.removeEventListener("abort", abort);
          controller.close();
        } catch (cause) {
          signal.removeEventListener("abort", abort);
          if (!signal.aborted) controller.error(new TypeError("terminated", { cause }));
        }
      },
      async cancel(reason) {
        signal.removeEventListener("abort", abort);
        await reader.cancel(reason);
      },
    },
    { highWaterMark: 0 },
  );
}
