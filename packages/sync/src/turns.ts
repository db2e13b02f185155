import { Flight } from "@lacuna/page";

/** Does one thing after the other, in the order asked. */
export class Turns {
  #last: Promise<void> = Promise.resolve();

  /**
   * Runs `work` once everything asked for before has ended, however it did.
   * @throws `signal.reason` as soon as it aborts, while its turn has not come; the others keep their order
   */
  async run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const before = this.#last;
    let end = (): void => {};
    const ended = new Promise<void>((resolve) => {
      end = resolve;
    });
    this.#last = before.then(() => ended);
    try {
      await new Flight(() => before).join(signal);
      return await work();
    } finally {
      end();
    }
  }
}
