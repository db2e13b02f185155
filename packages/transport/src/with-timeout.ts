import {
  type AbortOptions,
  type Difference,
  type DifferenceRequest,
  type ExecuteOptions,
  isSyncTransport,
  type PageEntry,
  type QueryRequest,
  type RemoteAnswer,
  type RemotePipeline,
  type SyncTransport,
  type Transport,
} from "@lacuna/page";
import { AbortScope } from "./abort-scope.ts";
import { endable, endIteration } from "./endable.ts";
import { Patience, type TimeoutOptions, timeReads } from "./with-read-timeout.ts";

/**
 * The same transport, giving up with `TIMEOUT` when nothing comes for too long. The request is cancelled then.
 * @throws {LacunaError} `INVALID_OPTION`
 */
export function withTimeout(transport: SyncTransport, options?: TimeoutOptions): SyncTransport;
export function withTimeout(transport: Transport, options?: TimeoutOptions): Transport;
export function withTimeout(transport: Transport, options: TimeoutOptions = {}): Transport {
  const patience = new Patience(options);

  async function* queryPages(
    request: QueryRequest,
    given: AbortOptions = {},
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    const scope = new AbortScope(given.signal);
    const pages = transport.queryPages?.(request, { signal: scope.signal });
    if (pages !== undefined) yield* patience.each(pages, scope);
  }

  const watched: Transport = {
    ...timeReads(transport, patience),
    ...(transport.queryPages === undefined ? {} : { queryPages }),
  };
  if (!isSyncTransport(transport)) return watched;

  async function pull(request: DifferenceRequest, given: AbortOptions = {}): Promise<Difference> {
    const scope = new AbortScope(given.signal);
    try {
      const asked = (transport as SyncTransport).pull(request, { signal: scope.signal });
      const late = (difference: Difference): void => void endIteration(difference.pages).catch(() => {});
      const limitMs = patience.timeoutMs + (request.longPollMs ?? 0);
      const { shape, pages } = await patience.within(scope, "an answer", asked, late, limitMs);
      return {
        shape,
        pages: endable(patience.each(pages, scope), () => endIteration(pages).finally(() => scope.end())),
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
      return await patience.within(scope, "an answer", answer);
    } finally {
      scope.end();
    }
  }

  return Object.assign(watched, { pull, execute });
}
