import type { TransportTraffic } from "@lacuna/page";

/** Counts what a transport sends and receives. */
export class Traffic {
  #requests = 0;
  #sentBytes = 0;
  #receivedBytes = 0;

  sent(bytes: number): void {
    this.#requests++;
    this.#sentBytes += bytes;
  }

  received(bytes: number): void {
    this.#receivedBytes += bytes;
  }

  /** The counts as they are now; later traffic does not change the object. */
  snapshot(): TransportTraffic {
    return {
      requests: this.#requests,
      sentBytes: this.#sentBytes,
      receivedBytes: this.#receivedBytes,
    };
  }
}
