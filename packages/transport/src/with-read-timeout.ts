import type { AbortOptions, Bootstrap, Opening, PageEntry, PageRequest, Transport } from "@lacuna/page";
import { LacunaError } from "@lacuna/page";
import { AbortScope, untilAborted } from "./abort-scope.ts";
import { checkMilliseconds } from "./check-count.ts";
import { endable, endIteration } from "./endable.ts";
import { after, systemTimers, type Timers } from "./timers.ts";

export interface TimeoutOptions {
  /**
   * The longest wait for an answer, and for the next pages each time, in milliseconds; `Infinity` for no limit. The time
   * the consumer takes between them does not count, nor does that for which the remote was asked to wait.
   * @default 30000
   */
  readonly timeoutMs?: number | undefined;
  readonly timers?: Timers | undefined;
}

/** Waits, but not for too long. */
export class Patience {
  /** Milliseconds. */
  readonly timeoutMs: number;
  readonly #timers: Timers;

  /** @throws {LacunaError} `INVALID_OPTION` */
  constructor({ timeoutMs = 30_000, timers = systemTimers }: TimeoutOptions) {
    checkMilliseconds("timeoutMs", timeoutMs);
    this.timeoutMs = timeoutMs;
    this.#timers = timers;
  }

  /** The work's result, unless it takes too long; then everything in the scope is cancelled. */
  async within<T>(
    scope: AbortScope,
    what: string,
    work: Promise<T>,
    late?: (result: T) => void,
    limitMs = this.timeoutMs,
  ): Promise<T> {
    const expire = (): void =>
      scope.abort(new LacunaError("TIMEOUT", `${what} expected within ${limitMs} ms, nothing came`));
    const callOff = after(limitMs, expire, this.#timers);
    try {
      return await untilAborted(work, scope.signal, late);
    } finally {
      callOff();
    }
  }

  async *each(
    pages: AsyncIterable<readonly PageEntry[]>,
    scope: AbortScope,
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    const iterator = pages[Symbol.asyncIterator]();
    let over = false;
    try {
      for (;;) {
        // A failed or hanging iterator is not to be waited for again.
        over = true;
        const step = await this.within(scope, "the next page", iterator.next());
        if (step.done === true) return;
        over = false;
        yield step.value;
      }
    } finally {
      if (!over) await iterator.return?.();
      scope.end();
    }
  }
}

/**
 * As `withTimeout`, for those who only open databases and fetch their pages: what else a transport can do is left out.
 * @throws {LacunaError} `INVALID_OPTION`
 */
export function withReadTimeout(transport: Transport, options: TimeoutOptions = {}): Transport {
  return timeReads(transport, new Patience(options));
}

/** The reading half of a transport, giving up when patience ends. */
export function timeReads(transport: Transport, patience: Patience): Transport {
  async function open(
    given: AbortOptions & { readonly bootstrap?: Bootstrap | undefined } = {},
  ): Promise<Opening> {
    const scope = new AbortScope(given.signal);
    try {
      const opening = transport.open({ ...given, signal: scope.signal });
      const { shape, pages } = await patience.within(scope, "an answer", opening, (late) => {
        endIteration(late.pages).catch(() => {});
      });
      const watched = patience.each(pages, scope);
      return { shape, pages: endable(watched, () => endIteration(pages).finally(() => scope.end())) };
    } catch (error) {
      scope.end();
      throw error;
    }
  }

  async function* fetchPages(
    request: PageRequest,
    given: AbortOptions = {},
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    const scope = new AbortScope(given.signal);
    yield* patience.each(transport.fetchPages(request, { signal: scope.signal }), scope);
  }

  return {
    open,
    fetchPages,
    linkEstimate: () => transport.linkEstimate?.(),
    traffic: () => transport.traffic(),
    close: () => transport.close(),
  };
}
