import { type Buffers, freshBuffers } from "./buffers.ts";
import { readBody } from "./request-body.ts";

/**
 * What the handlers of this package read of a request. To make a `Request` takes longer than all else that a small answer needs, so
 * what comes from Node is only made into one for handlers from outside.
 */
export interface Asked {
  readonly method: string;
  /** Absolute. */
  readonly url: string;
  readonly headers: Pick<Headers, "get">;
  readonly signal: AbortSignal;
  /** Where the memory for the body of the answer comes from. */
  readonly buffers: Buffers;
  /**
   * The whole body. Call it once.
   * @throws {Refusal} 413 if it is longer than `maxBytes`, 400 if it breaks off
   */
  readBody(maxBytes: number): Promise<Uint8Array>;
  /** The same as a standard request. Its body can be read if this one's was not. */
  request(): Request;
}

export function askedBy(request: Request): Asked {
  const { method, url, headers, signal } = request;
  return {
    method,
    url,
    headers,
    signal,
    buffers: freshBuffers,
    readBody: (maxBytes) => readBody(request, maxBytes),
    request: () => request,
  };
}
