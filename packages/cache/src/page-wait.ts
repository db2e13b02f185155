import { Flight, type PageNo } from "@lacuna/page";

/** The wait of any number of readers for one page, wherever it comes from. */
export class PageWait {
  readonly page: PageNo;
  /** True once the readers wait for the network. */
  remote = false;
  readonly #flight: Flight<Uint8Array>;
  #arrive: (bytes: Uint8Array) => void = () => {};
  #fail: (error: unknown) => void = () => {};

  /** @param onAbandoned called when the last reader gave up before the page came */
  constructor(page: PageNo, onAbandoned: (wait: PageWait) => void) {
    this.page = page;
    this.#flight = new Flight((signal) => {
      signal.addEventListener("abort", () => onAbandoned(this), { once: true });
      return new Promise<Uint8Array>((resolve, reject) => {
        this.#arrive = resolve;
        this.#fail = reject;
      });
    });
  }

  /** Aborting `signal` rejects this reader only. */
  join(signal: AbortSignal | undefined): Promise<Uint8Array> {
    return this.#flight.join(signal);
  }

  arrive(bytes: Uint8Array): void {
    this.#arrive(bytes);
  }

  fail(error: unknown): void {
    this.#fail(error);
  }
}
