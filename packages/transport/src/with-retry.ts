import {
  type AbortOptions,
  type DatabaseShape,
  type Difference,
  type DifferenceRequest,
  type ExecuteOptions,
  isSyncTransport,
  LacunaError,
  type PageEntry,
  PageSet,
  type RemoteAnswer,
  type RemotePipeline,
  type SyncTransport,
  type Transport,
} from "@lacuna/page";
import { endable, endIteration } from "./endable.ts";
import { type RetryOptions, RetryPolicy } from "./retry-policy.ts";
import { unbroken } from "./unbroken.ts";
import { retryReads } from "./with-read-retry.ts";

/**
 * The same transport, trying again what is worth it: `NETWORK`, `TIMEOUT`, `SHORT_READ`, and the statuses 408, 425, 429
 * and from 500 on. The waits grow exponentially with full jitter and are at least what `Retry-After` asks for. Pages
 * that have come are not asked for again; an attempt that brought a page starts the count anew. An abort ends it at once.
 *
 * SQL is sent again only where it was said to be repeatable: nobody else knows whether it was run.
 *
 * Put it around a time-out: `withRetry(withTimeout(transport))`.
 * @throws {LacunaError} `INVALID_OPTION`
 */
export function withRetry(transport: SyncTransport, options?: RetryOptions): SyncTransport;
export function withRetry(transport: Transport, options?: RetryOptions): Transport;
export function withRetry(transport: Transport, options: RetryOptions = {}): Transport {
  const policy = new RetryPolicy(options);

  const query = transport.queryPages?.bind(transport);
  const queryPages: Transport["queryPages"] =
    query &&
    ((request, given) => {
      const rest = (held: PageSet) => () => query({ ...request, held }, given);
      return unbroken({ policy, signal: given?.signal, seen: new PageSet(request.held), rest });
    });

  const patient: Transport = { ...retryReads(transport, policy), ...(queryPages && { queryPages }) };
  if (!isSyncTransport(transport)) return patient;
  const sync: SyncTransport = transport;

  async function pull(request: DifferenceRequest, given?: AbortOptions): Promise<Difference> {
    const signal = given?.signal;
    const { shape, pages } = await policy.run(() => sync.pull(request, given), signal);
    // Only the remote knows what is left when it breaks off, so it is asked again.
    const rest = () => () => pulledAgain(request, shape, given);
    const pulled = unbroken({ policy, signal, begun: pages, rest });
    return { shape, pages: endable(pulled, () => endIteration(pages)) };
  }

  async function* pulledAgain(
    request: DifferenceRequest,
    { revision }: DatabaseShape,
    given: AbortOptions | undefined,
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    const { shape, pages } = await sync.pull({ ...request, longPollMs: 0 }, given);
    if (shape.revision !== revision) {
      await endIteration(pages);
      throw new LacunaError("REVISION_CHANGED", "the remote moved on while its changes were pulled");
    }
    yield* pages;
  }

  async function execute(pipeline: RemotePipeline, given?: ExecuteOptions): Promise<RemoteAnswer> {
    const send = () => sync.execute(pipeline, given);
    return given?.repeatable === true ? policy.run(send, given.signal) : send();
  }

  return Object.assign(patient, { pull, execute });
}
