/**
 * The generator as an iterable whose `return()` also works before the first step: a generator that never ran skips its
 * own `finally`.
 * @param end what to do then; not called once the generator has started
 */
export function endable<T>(
  generator: AsyncGenerator<T, void, undefined>,
  end: () => void | Promise<void>,
): AsyncIterableIterator<T> {
  let untouched = true;
  return {
    [Symbol.asyncIterator]() {
      return this;
    },
    next() {
      untouched = false;
      return generator.next();
    },
    async return() {
      const first = untouched;
      untouched = false;
      const result = await generator.return();
      if (first) await end();
      return result;
    },
  };
}

/** Ends an iteration nobody wants, whether or not it has begun. */
export async function endIteration(pages: AsyncIterable<unknown>): Promise<void> {
  await pages[Symbol.asyncIterator]().return?.();
}
