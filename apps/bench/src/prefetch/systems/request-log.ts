import type { Handler, NetworkProfile } from "../../network/simulated-network.ts";

/** Sums over requests of which each was sent when the one before was answered in full. */
export interface LoggedTraffic {
  readonly requests: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** What a client asked for that asks for one thing after another. */
export class RequestLog {
  #requests = 0;
  #sentBytes = 0;
  #receivedBytes = 0;
  #open = 0;

  add(sentBytes: number, receivedBytes: number): void {
    this.#requests++;
    this.#sentBytes += sentBytes;
    this.#receivedBytes += receivedBytes;
  }

  traffic(): LoggedTraffic {
    return { requests: this.#requests, sentBytes: this.#sentBytes, receivedBytes: this.#receivedBytes };
  }

  /** A `fetch` without a network. @throws if there are two requests at the same time */
  fetchOf(handler: Handler): typeof fetch {
    return async (input, init) => {
      if (++this.#open > 1)
        throw new Error("BUG: a client that is taken for a serial one sent two requests at once");
      const request = new Request(input, init);
      const body = await request.clone().arrayBuffer();
      const response = await handler(request);
      const answer = await response.arrayBuffer();
      this.add(body.byteLength, answer.byteLength);
      this.#open--;
      return new Response(answer, { status: response.status, headers: response.headers });
    };
  }
}

/** How long so many requests take, one after the other. */
export function serialMilliseconds(
  { requests, sentBytes, receivedBytes }: LoggedTraffic,
  { rttMs, bandwidthBitsPerSecond, requestOverheadBytes = 500 }: NetworkProfile,
): number {
  const bytes = sentBytes + receivedBytes + 2 * requests * requestOverheadBytes;
  return requests * rttMs + (bytes * 8000) / bandwidthBitsPerSecond;
}
