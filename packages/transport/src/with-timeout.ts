import {
  type AbortOptions,
  type Bootstrap,
  type Difference,
  type DifferenceRequest,
  type ExecuteOptions,
  isSyncTransport,
  LacunaError,
  type Opening,
  type PageEntry,
  type PageRequest,
  type QueryRequest,
  type RemoteAnswer,
  type RemotePipeline,
  type SyncTransport,
  type Transport,
} from "@lacuna/page";
import { AbortScope, untilAborted } from "./abort-scope.ts";
import { checkMilliseconds } from "./check-count.ts";
import { endable, endIteration } from "./endable.ts";
import { systemTimers, type Timers } from "./timers.ts";

export interface TimeoutOptions {
  /**
   * The longest wait for an answer, and for the next pages each time, in milliseconds; `Infinity` for no limit. The time
   * the consumer takes between them does not count, nor does that for which the remote was asked to wait.
   * @default 30000
   */
  readonly timeoutMs?: number | undefined;
  readonly timers?: Timers | undefined;
}

/** Longer waits overflow the timers of every runtime and would end at once. */
const MAX_TIMER_MS = 2_147_483_647;

/**
 * The same transport, giving up with `TIMEOUT` when nothing comes for too long. The request is cancelled then.
 * @throws {LacunaError} `INVALID_OPTION`
 */
export function withTimeout(transport: SyncTransport, options?: TimeoutOptions): SyncTransport;
export function withTimeout(transport: Transport, options?: TimeoutOptions): Transport;
export function withTimeout(transport: Transport, options: TimeoutOptions = {}): Transport {
  const { timeoutMs = 30_000, timers = systemTimers } = options;
  checkMilliseconds("timeoutMs", timeoutMs);

  /** The work's result, unless it takes too long; then everything in the scope is cancelled. */
  async function within<T>(
    scope: AbortScope,
    what: string,
    work: Promise<T>,
    late?: (result: T) => void,
    limitMs = timeoutMs,
  ): Promise<T> {
    const expire = (): void =>
      scope.abort(new LacunaError("TIMEOUT", `${what} expected within ${limitMs} ms, nothing came`));
    const handle = limitMs > MAX_TIMER_MS ? undefined : timers.setTimeout(expire, limitMs);
    try {
      return await untilAborted(work, scope.signal, late);
    } finally {
      if (handle !== undefined) timers.clearTimeout(handle);
    }
  }

  async function open(
    given: AbortOptions & { readonly bootstrap?: Bootstrap | undefined } = {},
  ): Promise<Opening> {
    const scope = new AbortScope(given.signal);
    try {
      const opening = transport.open({ ...given, signal: scope.signal });
      const { shape, pages } = await within(scope, "an answer", opening, (late) => {
        endIteration(late.pages).catch(() => {});
      });
      const watched = eachWithin(pages, scope);
      return { shape, pages: endable(watched, () => endIteration(pages).finally(() => scope.end())) };
    } catch (error) {
      scope.end();
      throw error;
    }
  }

  async function* eachWithin(
    pages: AsyncIterable<readonly PageEntry[]>,
    scope: AbortScope,
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    const iterator = pages[Symbol.asyncIterator]();
    let over = false;
    try {
      for (;;) {
        // A failed or hanging iterator is not to be waited for again.
        over = true;
        const step = await within(scope, "the next page", iterator.next());
        if (step.done === true) return;
        over = false;
        yield step.value;
      }
    } finally {
      if (!over) await iterator.return?.();
      scope.end();
    }
  }

  async function* fetchPages(
    request: PageRequest,
    given: AbortOptions = {},
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    const scope = new AbortScope(given.signal);
    yield* eachWithin(transport.fetchPages(request, { signal: scope.signal }), scope);
  }

  async function* queryPages(
    request: QueryRequest,
    given: AbortOptions = {},
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    const scope = new AbortScope(given.signal);
    const pages = transport.queryPages?.(request, { signal: scope.signal });
    if (pages !== undefined) yield* eachWithin(pages, scope);
  }

  const watched: Transport = {
    open,
    fetchPages,
    ...(transport.queryPages === undefined ? {} : { queryPages }),
    linkEstimate: () => transport.linkEstimate?.(),
    traffic: () => transport.traffic(),
    close: () => transport.close(),
  };
  if (!isSyncTransport(transport)) return watched;

  async function pull(request: DifferenceRequest, given: AbortOptions = {}): Promise<Difference> {
    const scope = new AbortScope(given.signal);
    try {
      const asked = (transport as SyncTransport).pull(request, { signal: scope.signal });
      const late = (difference: Difference): void => void endIteration(difference.pages).catch(() => {});
      const limitMs = timeoutMs + (request.longPollMs ?? 0);
      const { shape, pages } = await within(scope, "an answer", asked, late, limitMs);
      return {
        shape,
        pages: endable(eachWithin(pages, scope), () => endIteration(pages).finally(() => scope.end())),
      };
    } catch (error) {
      scope.end();
      throw error;
    }
  }

  async function execute(pipeline: RemotePipeline, given: ExecuteOptions = {}): Promise<RemoteAnswer> {
    const scope = new AbortScope(given.signal);
    try {
      const answer = (transport as SyncTransport).execute(pipeline, { ...given, signal: scope.signal });
      return await within(scope, "an answer", answer);
    } finally {
      scope.end();
    }
  }

  return Object.assign(watched, { pull, execute });
}
