import { AbortScope } from "./abort-scope.ts";

/**
 * What several streams give, as it comes, at most `limit` of them going on at once and started in their order. When one
 * fails or the iteration ends early, the others are cancelled and have ended before this one does.
 * @param streams each is started with a signal that it must heed
 */
export async function* mergeStreams<T extends object>(
  streams: readonly ((signal: AbortSignal) => AsyncGenerator<T, void, undefined>)[],
  limit: number,
  signal: AbortSignal,
): AsyncGenerator<T, void, undefined> {
  const scope = new AbortScope(signal);
  const running = new Set<AsyncGenerator<T, void, undefined>>();
  const arrived: (() => T | undefined)[] = [];
  let wake = (): void => {};
  const deliver = (take: () => T | undefined): void => {
    arrived.push(take);
    wake();
  };
  const advance = (stream: AsyncGenerator<T, void, undefined>): void => {
    stream.next().then(
      (result) =>
        deliver(() => {
          if (result.done === true) running.delete(stream);
          else advance(stream);
          return result.done === true ? undefined : result.value;
        }),
      (error: unknown) => {
        // At once, also when the consumer takes its time: nothing that comes now is wanted any more.
        scope.end();
        deliver(() => {
          running.delete(stream);
          throw error;
        });
      },
    );
  };
  let next = 0;
  try {
    for (;;) {
      while (running.size < limit && next < streams.length) {
        const stream = streams[next++]?.(scope.signal);
        if (stream === undefined) break;
        running.add(stream);
        advance(stream);
      }
      if (running.size === 0) return;
      const take = arrived.shift();
      if (take === undefined) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
        continue;
      }
      const value = take();
      if (value === undefined) continue;
      yield value;
      // The streams may have ended already, before the consumer had a look at what they gave.
      signal.throwIfAborted();
    }
  } finally {
    scope.end();
    await Promise.allSettled([...running].map((stream) => stream.return()));
  }
}
