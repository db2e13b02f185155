import {
  type AbortOptions,
  type Bootstrap,
  type DatabaseShape,
  type Difference,
  type DifferenceRequest,
  type ExecuteOptions,
  isSyncTransport,
  LacunaError,
  type Opening,
  type PageEntry,
  type PageRange,
  type PageRequest,
  PageSet,
  pageNo,
  pagesOf,
  type QueryRequest,
  type RemoteAnswer,
  type RemotePipeline,
  rangesInOrder,
  type SyncTransport,
  type Transport,
} from "@lacuna/page";
import { endable, endIteration } from "./endable.ts";
import { type RetryOptions, RetryPolicy } from "./retry-policy.ts";

type OpenOptions = AbortOptions & { readonly bootstrap?: Bootstrap | undefined };

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

  async function open(given?: OpenOptions): Promise<Opening> {
    for (let failures = 1; ; failures++) {
      try {
        const { shape, pages } = await transport.open(given);
        const resumed = continued(pages, shape, given);
        return { shape, pages: endable(resumed, () => endIteration(pages)) };
      } catch (error) {
        await policy.pause(error, failures, given?.signal);
      }
    }
  }

  /** The pages of an opening; when they break off, the rest of them by other means. */
  async function* continued(
    pages: AsyncIterable<readonly PageEntry[]>,
    shape: DatabaseShape,
    given: OpenOptions | undefined,
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    const seen = new PageSet();
    let source = pages;
    for (let failures = 1; ; failures++) {
      try {
        for await (const batch of source) {
          const fresh = batch.filter(({ page }) => seen.add(page));
          if (fresh.length === 0) continue;
          failures = 1;
          yield fresh;
        }
        return;
      } catch (error) {
        await policy.pause(error, failures, given?.signal);
      }
      const rest = restOf(given?.bootstrap, shape, seen);
      if (rest === undefined) source = reopened(shape, given);
      else {
        yield* resumed({ revision: shape.revision, pages: rest, urgency: "demand" }, given, failures);
        return;
      }
    }
  }

  async function* reopened(
    { revision }: DatabaseShape,
    given: OpenOptions | undefined,
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    const { shape, pages } = await transport.open(given);
    if (shape.revision !== revision) {
      await endIteration(pages);
      throw new LacunaError("REVISION_CHANGED", "the remote moved on while the database was opened");
    }
    yield* pages;
  }

  async function* resumed(
    request: PageRequest,
    given: AbortOptions | undefined,
    failedBefore: number,
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    const seen = new PageSet();
    let pages = request.pages;
    for (let failures = failedBefore + 1; pages.length > 0; failures++) {
      try {
        for await (const batch of transport.fetchPages({ ...request, pages }, given)) {
          for (const { page } of batch) seen.add(page);
          failures = 1;
          yield batch;
        }
        return;
      } catch (error) {
        pages = without(request.pages, seen);
        if (pages.length > 0) await policy.pause(error, failures, given?.signal);
      }
    }
  }

  async function* queryPages(
    request: QueryRequest,
    given?: AbortOptions,
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    const held = new PageSet(request.held);
    for (let failures = 1; ; failures++) {
      try {
        for await (const batch of transport.queryPages?.({ ...request, held }, given) ?? []) {
          for (const { page } of batch) held.add(page);
          failures = 1;
          yield batch;
        }
        return;
      } catch (error) {
        await policy.pause(error, failures, given?.signal);
      }
    }
  }

  const patient: Transport = {
    open,
    fetchPages: (request, given) => resumed(request, given, 0),
    ...(transport.queryPages === undefined ? {} : { queryPages }),
    linkEstimate: () => transport.linkEstimate?.(),
    traffic: () => transport.traffic(),
    close: () => transport.close(),
  };
  if (!isSyncTransport(transport)) return patient;
  const sync: SyncTransport = transport;

  async function pull(request: DifferenceRequest, given?: AbortOptions): Promise<Difference> {
    for (let failures = 1; ; failures++) {
      try {
        const { shape, pages } = await sync.pull(request, given);
        return { shape, pages: endable(pulled(request, shape, pages, given), () => endIteration(pages)) };
      } catch (error) {
        await policy.pause(error, failures, given?.signal);
      }
    }
  }

  /** Only the remote knows what is left when it breaks off, so it is asked again. */
  async function* pulled(
    request: DifferenceRequest,
    shape: DatabaseShape,
    begun: AsyncIterable<readonly PageEntry[]>,
    given: AbortOptions | undefined,
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    const seen = new PageSet();
    let source: AsyncIterable<readonly PageEntry[]> = begun;
    for (let failures = 1; ; failures++) {
      try {
        for await (const batch of source) {
          const fresh = batch.filter(({ page }) => seen.add(page));
          if (fresh.length === 0) continue;
          failures = 1;
          yield fresh;
        }
        return;
      } catch (error) {
        await policy.pause(error, failures, given?.signal);
      }
      source = pulledAgain(request, shape, given);
    }
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
    for (let failures = 1; ; failures++) {
      try {
        return await sync.execute(pipeline, given);
      } catch (error) {
        if (given?.repeatable !== true) throw error;
        await policy.pause(error, failures, given.signal);
      }
    }
  }

  return Object.assign(patient, { pull, execute });
}

/** What is left of a bootstrap; `undefined` where only the remote knows. */
function restOf(
  bootstrap: Bootstrap | undefined,
  { pageSize, pageCount }: DatabaseShape,
  seen: PageSet,
): PageRange[] | undefined {
  if (bootstrap?.kind === "query") return undefined;
  const bytes = bootstrap?.kind === "prefix" ? bootstrap.bytes : 0;
  const last = bootstrap?.kind === "full" ? pageCount : Math.min(pageCount, Math.ceil(bytes / pageSize));
  return last === 0 ? [] : without([{ first: pageNo(1), last: pageNo(last) }], seen);
}

function without(pages: readonly PageRange[], seen: PageSet): PageRange[] {
  if (seen.size === 0) return [...pages];
  return rangesInOrder([...pagesOf(pages)].filter((page) => !seen.has(page)));
}
