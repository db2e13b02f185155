import type { Handler, NetworkProfile } from "../../network/simulated-network.ts";

/** Sums over requests of which each was sent when the one before was answered in full. */
export interface LoggedTraffic {
  readonly requests: number;
  readonly sentBytes: number;
  readonly receivedBytes: number;
}

/** Requests after which a client is given up: its times are beyond anything that is compared here. */
const MOST_REQUESTS = 1000;

/** A client asks for so much that it is given up. */
export class TooManyRequests extends Error {
  override readonly name = "TooManyRequests";

  constructor() {
    super(`given up after ${MOST_REQUESTS.toLocaleString("en")} requests`);
  }
}

/** What a client asked for that asks for one thing after another. */
export class RequestLog {
  readonly #givenUp = Promise.withResolvers<never>();
  #requests = 0;
  #sentBytes = 0;
  #receivedBytes = 0;
  #open = 0;

  constructor() {
    // Nobody need be waiting for it.
    this.#givenUp.promise.catch(() => {});
  }

  /** Rejects when there were too many requests. The client, whose request is never answered, may never notice. */
  get givenUp(): Promise<never> {
    return this.#givenUp.promise;
  }

  /** @throws once there were too many */
  add(sentBytes: number, receivedBytes: number): void {
    if (this.#requests >= MOST_REQUESTS) {
      const error = new TooManyRequests();
      this.#givenUp.reject(error);
      throw error;
    }
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
      this.#open++;
      try {
        if (this.#open > 1) throw new Error("BUG: a serial client sent two requests at once");
        const request = new Request(input, init);
        const body = await request.clone().arrayBuffer();
        const response = await handler(request);
        const answer = await response.arrayBuffer();
        this.add(body.byteLength, answer.byteLength);
        return new Response(answer, { status: response.status, headers: response.headers });
      } catch (error) {
        this.#givenUp.reject(error);
        // Such clients have been seen to compute for ever after an error: an answer that never comes keeps them quiet.
        return new Promise(() => {});
      } finally {
        this.#open--;
      }
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
