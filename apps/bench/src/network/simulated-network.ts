import { type BodyDecoder, bodyDecoder } from "./body-decoder.ts";
import { seededRandom } from "./random.ts";
import { type LinkFlow, SharedLink } from "./shared-link.ts";
import { VirtualClock } from "./virtual-clock.ts";

export interface NetworkProfile {
  /** Milliseconds from sending a byte to seeing the answer of a server that needs no time. */
  readonly rttMs: number;
  /** Of each direction; shared by all requests. */
  readonly bandwidthBitsPerSecond: number;
  /**
   * Up to so many milliseconds more, each way, for each request; bytes of one answer never overtake each other.
   * @default 0
   */
  readonly jitterMs?: number | undefined;
  /**
   * Bytes of headers that every request and every answer carries besides its body.
   * @default 500
   */
  readonly requestOverheadBytes?: number | undefined;
  /** @default 1 */
  readonly seed?: number | undefined;
}

/** What went over the network since it was made. */
export interface SimulatedTraffic {
  readonly requests: number;
  /**
   * The longest chain of requests each of which was sent after the answer to the one before had begun to arrive:
   * how often somebody may have waited for the distance, however large the answers are.
   */
  readonly roundTrips: number;
  /** Body bytes. */
  readonly sentBytes: number;
  /** Body bytes that reached the client, compressed where the server did so, also those it had lost interest in. */
  readonly receivedBytes: number;
  readonly elapsedMs: number;
}

/** A server. */
export type Handler = (request: Request) => Response | Promise<Response>;

export interface SimulatedNetwork {
  readonly fetch: typeof globalThis.fetch;
  /** Virtual milliseconds since the network was made. */
  nowMs(): number;
  traffic(): SimulatedTraffic;
}

/** Where the other end is, whatever the network. */
export const SERVER_URL = "http://simulated.test";

/** Bytes of an answer read from the server ahead of the link. */
const SEND_BUFFER_BYTES = 65_536;
const RECEIVE_PIECE_BYTES = 4096;

/**
 * A network in virtual time between a client that uses `fetch` and a server that is a function in the same process.
 * Deterministic: the same program, profile and seed give the same times. The connection is taken to be open already,
 * and to carry any number of requests at once.
 */
export function simulatedNetwork(profile: NetworkProfile, handler: Handler): SimulatedNetwork {
  const { rttMs, bandwidthBitsPerSecond, jitterMs = 0, requestOverheadBytes = 500, seed = 1 } = profile;
  const clock = new VirtualClock();
  const up = new SharedLink(clock, bandwidthBitsPerSecond);
  const down = new SharedLink(clock, bandwidthBitsPerSecond);
  const random = seededRandom(seed);
  const wayMs = (): number => rttMs / 2 + jitterMs * random();
  const totals = { requests: 0, sentBytes: 0, receivedBytes: 0 };
  let longestChain = 0;
  let answeredChain = 0;

  const exchange = async (request: Request): Promise<Response> => {
    const { signal } = request;
    signal.throwIfAborted();
    const body = await clock.hold(request.arrayBuffer());
    signal.throwIfAborted();
    const chain = answeredChain + 1;
    longestChain = Math.max(longestChain, chain);
    totals.requests++;
    totals.sentBytes += body.byteLength;
    const answer = Promise.withResolvers<Response>();
    const server = new AbortController();
    const client = new AnswerStream(answer, clock, () => giveUp());
    const flow = down.openFlow();
    const giveUp = (): void => {
      // The server hears of it half a round trip later and keeps sending until then.
      clock.at(clock.nowMs + rttMs / 2, () => {
        server.abort();
        flow.drop();
        return "outside";
      });
    };
    const aborted = (): void => {
      client.fail(signal.reason);
      giveUp();
    };
    signal.addEventListener("abort", aborted, { once: true });
    client.whenOver(() => signal.removeEventListener("abort", aborted));
    const backMs = wayMs();
    const arrive = (run: () => void): void => {
      clock.at(clock.nowMs + backMs, () => {
        run();
        return "outside";
      });
    };

    const serve = async (): Promise<void> => {
      const served = new Request(request.url, {
        method: request.method,
        headers: request.headers,
        signal: server.signal,
        ...(request.method === "GET" || request.method === "HEAD" ? {} : { body }),
      });
      const response = await clock.hold(Promise.resolve().then(() => handler(served)));
      flow.send({
        bytes: requestOverheadBytes,
        sent: () =>
          arrive(() => {
            answeredChain = Math.max(answeredChain, chain);
            client.begin(response);
          }),
      });
      sendBody(response, flow, server.signal, clock, {
        sent: (bytes) => {
          arrive(() => {
            totals.receivedBytes += bytes.length;
            client.add(bytes);
          });
        },
        ended: () => arrive(() => client.end()),
        failed: (error) => arrive(() => client.fail(error)),
      });
    };

    up.openFlow().send({
      bytes: requestOverheadBytes + body.byteLength,
      sent: () => {
        clock.at(clock.nowMs + wayMs(), () => {
          serve().catch((error: unknown) => arrive(() => client.fail(error)));
          return "outside";
        });
      },
    });
    return answer.promise;
  };

  return {
    fetch: (input, init) => exchange(new Request(input, init)),
    nowMs: () => clock.nowMs,
    traffic: () => ({ ...totals, roundTrips: longestChain, elapsedMs: clock.nowMs }),
  };
}

interface BodyEvents {
  sent(bytes: Uint8Array): void;
  ended(): void;
  failed(error: unknown): void;
}

/** Reads the body as fast as the link takes it, and tells of each piece when it has left the server. */
function sendBody(
  response: Response,
  flow: LinkFlow,
  signal: AbortSignal,
  clock: VirtualClock,
  { sent, ended, failed }: BodyEvents,
): void {
  const end = (): void => flow.send({ bytes: 0, sent: ended });
  const reader = response.body?.getReader();
  if (reader === undefined) {
    end();
    return;
  }
  signal.addEventListener("abort", () => void reader.cancel(signal.reason).catch(() => {}), { once: true });
  let reading = false;

  // Called where the buffer runs low, in the same turn: the clock must not go on over an empty buffer.
  const refill = (): void => {
    if (reading || signal.aborted || flow.waitingBytes > SEND_BUFFER_BYTES) return;
    reading = true;
    clock.hold(readOnce()).catch(failed);
  };
  const readOnce = async (): Promise<void> => {
    const { done, value } = await reader.read();
    if (signal.aborted) return;
    if (done) {
      end();
      return;
    }
    for (let start = 0; start < value.length; start += RECEIVE_PIECE_BYTES) {
      const bytes = value.slice(start, start + RECEIVE_PIECE_BYTES);
      flow.send({
        bytes: bytes.length,
        sent: () => {
          sent(bytes);
          refill();
        },
      });
    }
    reading = false;
    refill();
  };
  refill();
}

const NULL_BODY_STATUSES = [101, 103, 204, 205, 304];

/** What the client sees of one answer: a `Response` whose body grows as bytes arrive. */
class AnswerStream {
  readonly #answer: PromiseWithResolvers<Response>;
  readonly #clock: VirtualClock;
  readonly #cancelled: () => void;
  readonly #over = Promise.withResolvers<void>();
  #controller: ReadableStreamDefaultController<Uint8Array> | undefined;
  #decoder: BodyDecoder | undefined;
  #finished = false;

  constructor(answer: PromiseWithResolvers<Response>, clock: VirtualClock, cancelled: () => void) {
    this.#answer = answer;
    this.#clock = clock;
    this.#cancelled = cancelled;
  }

  whenOver(run: () => void): void {
    void this.#over.promise.then(run);
  }

  begin({ status, statusText, headers, body }: Response): void {
    if (this.#finished) return;
    const bare = body === null || NULL_BODY_STATUSES.includes(status);
    const stream = bare
      ? null
      : new ReadableStream<Uint8Array>({
          start: (controller) => {
            this.#controller = controller;
          },
          cancel: () => {
            this.#finish();
            this.#cancelled();
          },
        });
    this.#decoder = bodyDecoder(headers.get("content-encoding"), this.#clock, {
      add: (bytes) => this.#give(bytes),
      end: () => this.#close(),
      fail: (error) => this.fail(error),
    });
    this.#answer.resolve(new Response(stream, { status, statusText, headers }));
  }

  add(bytes: Uint8Array): void {
    if (this.#decoder === undefined) this.#give(bytes);
    else if (!this.#finished) this.#decoder.write(bytes);
  }

  end(): void {
    if (this.#decoder === undefined) this.#close();
    else if (!this.#finished) this.#decoder.end();
  }

  #give(bytes: Uint8Array): void {
    if (!this.#finished) this.#controller?.enqueue(bytes);
  }

  #close(): void {
    if (this.#finished) return;
    this.#finish();
    this.#controller?.close();
  }

  fail(error: unknown): void {
    if (this.#finished) return;
    this.#finish();
    this.#answer.reject(error);
    this.#controller?.error(error);
  }

  #finish(): void {
    this.#finished = true;
    this.#over.resolve();
  }
}
