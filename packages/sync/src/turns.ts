/** Does one thing after the other, in the order asked. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve();

  /** What was asked for before may take its time: whoever waits for it can leave by `signal`, before its turn has come. */
  run<T>(work: () => Promise<T>, signal?: AbortSignal): Promise<T> {
    const turn = this.#last.then(() => {
      signal?.throwIfAborted();
      return work();
    });
    this.#last = turn.catch(() => {});
    return turn;
  }
}
