import {
  type AbortOptions,
  type Bootstrap,
  type DatabaseShape,
  LacunaError,
  type Opening,
  type PageEntry,
  type PageRange,
  type PageRequest,
  PageSet,
  pageNo,
  pagesOf,
  rangesInOrder,
  type Transport,
} from "@lacuna/page";
import { endable, endIteration } from "./endable.ts";
import { type RetryOptions, RetryPolicy } from "./retry-policy.ts";

type OpenOptions = AbortOptions & { readonly bootstrap?: Bootstrap | undefined };

/**
 * As `withRetry`, for those who only open databases and fetch their pages: what else a transport can do is left out.
 * @throws {LacunaError} `INVALID_OPTION`
 */
export function withReadRetry(transport: Transport, options: RetryOptions = {}): Transport {
  return retryReads(transport, new RetryPolicy(options));
}

/** The reading half of a transport, trying again as a policy says. */
export function retryReads(transport: Transport, policy: RetryPolicy): Transport {
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
          failures = 1;
          const fresh = batch.filter(({ page }) => seen.add(page));
          if (fresh.length > 0) yield fresh;
        }
        return;
      } catch (error) {
        pages = without(request.pages, seen);
        if (pages.length > 0) await policy.pause(error, failures, given?.signal);
      }
    }
  }

  return {
    open,
    fetchPages: (request, given) => resumed(request, given, 0),
    linkEstimate: () => transport.linkEstimate?.(),
    traffic: () => transport.traffic(),
    close: () => transport.close(),
  };
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
