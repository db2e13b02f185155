/**
 * Rows one by one out of batches. A row that is here costs one promise: an async generator would make several for each,
 * and a scan of many rows is mostly those.
 */
export class RowIterator<T> implements AsyncIterableIterator<T> {
  readonly #batches: AsyncGenerator<T[], void, undefined>;
  #rows: (T | undefined)[] = [];
  #at = 0;
  /** The next batch is on its way; calls made meanwhile are answered in their order. */
  #advancing: Promise<unknown> | undefined;

  /** @param batches the arrays become the iterator's own */
  constructor(batches: AsyncGenerator<T[], void, undefined>) {
    this.#batches = batches;
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  next(): Promise<IteratorResult<T, void>> {
    if (this.#advancing !== undefined) return this.#after(this.#advancing);
    if (this.#at < this.#rows.length) {
      const value = this.#rows[this.#at] as T;
      // What was handed over is not kept until the whole batch was.
      this.#rows[this.#at++] = undefined;
      return Promise.resolve({ done: false, value });
    }
    const advancing = this.#advance();
    this.#advancing = advancing;
    return advancing;
  }

  async return(): Promise<IteratorResult<T, void>> {
    this.#rows = [];
    this.#at = 0;
    await this.#batches.return();
    return { done: true, value: undefined };
  }

  async #after(advancing: Promise<unknown>): Promise<IteratorResult<T, void>> {
    // Its failure is told to the call that it belongs to.
    await advancing.catch(() => {});
    return this.next();
  }

  async #advance(): Promise<IteratorResult<T, void>> {
    try {
      for (;;) {
        const { done, value: rows } = await this.#batches.next();
        if (done === true) return { done: true, value: undefined };
        if (rows.length === 0) continue;
        this.#rows = rows;
        this.#at = 1;
        return { done: false, value: rows[0] as T };
      }
    } finally {
      this.#advancing = undefined;
    }
  }
}
