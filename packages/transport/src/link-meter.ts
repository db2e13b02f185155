import type { LinkEstimate } from "@lacuna/page";

/** Bytes whose arrival takes long enough to be timed. */
const SAMPLE_BYTES = 32 * 1024;
/** Round trips that are remembered: the shortest of them counts, since waiting only ever makes them longer. */
const ROUND_TRIPS = 8;
/** Rates that are remembered: the middle one counts, since what had piled up somewhere seems to arrive at once. */
const RATES = 5;

/** Measures what the way to a remote can do, by the times at which answers begin and their bytes arrive. */
export class LinkMeter {
  readonly #now: () => number;
  readonly #roundTrips: number[] = [];
  readonly #rates: number[] = [];
  #receivedBytes = 0;

  /** @param now milliseconds on a clock that never goes back */
  constructor(now: () => number) {
    this.#now = now;
  }

  /** A request is sent. */
  begin(): LinkExchange {
    const sentAt = this.#now();
    let startedAt: number | undefined;
    let startBytes = 0;
    return {
      answered: () => keep(this.#roundTrips, this.#now() - sentAt, ROUND_TRIPS),
      received: (bytes) => {
        // All bytes count, since answers that come at the same time share the link.
        this.#receivedBytes += bytes;
        const arrived = this.#receivedBytes - startBytes;
        if (startedAt !== undefined && arrived < SAMPLE_BYTES) return;
        const now = this.#now();
        // What comes in the same moment as what was there before has no rate yet.
        if (startedAt !== undefined && now <= startedAt) return;
        if (startedAt !== undefined) keep(this.#rates, (arrived * 1000) / (now - startedAt), RATES);
        startedAt = now;
        startBytes = this.#receivedBytes;
      },
    };
  }

  /** `undefined` until an answer was long enough to be timed. */
  estimate(): LinkEstimate | undefined {
    const rates = this.#rates.toSorted((a, b) => a - b);
    const bytesPerSecond = rates[rates.length >> 1];
    if (bytesPerSecond === undefined) return undefined;
    return { roundTripMs: Math.min(...this.#roundTrips), bytesPerSecond };
  }
}

/** One request and its answer. */
export interface LinkExchange {
  /** The headers of the answer are here. */
  answered(): void;
  /** Some of its body is here. */
  received(bytes: number): void;
}

function keep(samples: number[], sample: number, most: number): void {
  samples.push(sample);
  if (samples.length > most) samples.shift();
}
