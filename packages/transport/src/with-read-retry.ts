import {
  type AbortOptions,
  type Bootstrap,
  type DatabaseShape,
  LacunaError,
  type Opening,
  type PageEntry,
  type PageRange,
  type PageRequest,
  type PageSet,
  pageNo,
  pagesOf,
  rangesInOrder,
  type Transport,
} from "@lacuna/page";
import { endable, endIteration } from "./endable.ts";
import { type RetryOptions, RetryPolicy } from "./retry-policy.ts";
import { unbroken } from "./unbroken.ts";

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
    const { shape, pages } = await policy.run(() => transport.open(given), given?.signal);
    return { shape, pages: endable(continued(pages, shape, given), () => endIteration(pages)) };
  }

  /** The pages of an opening; when they break off, the rest of them by other means. */
  function continued(begun: Opening["pages"], shape: DatabaseShape, given: OpenOptions | undefined) {
    const { revision } = shape;
    const signal = given?.signal;
    const rest = (seen: PageSet) => {
      const wanted = wantedOf(given?.bootstrap, shape);
      return wanted === undefined
        ? () => reopened(shape, given)
        : restOf({ revision, pages: wanted, urgency: "demand" }, seen, given);
    };
    return unbroken({ policy, signal, begun, rest });
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

  function restOf(request: PageRequest, seen: PageSet, given: AbortOptions | undefined) {
    const pages = without(request.pages, seen);
    return pages.length === 0 ? undefined : () => transport.fetchPages({ ...request, pages }, given);
  }

  return {
    open,
    fetchPages: (request, given) =>
      unbroken({ policy, signal: given?.signal, rest: (seen) => restOf(request, seen, given) }),
    linkEstimate: () => transport.linkEstimate?.(),
    traffic: () => transport.traffic(),
    close: () => transport.close(),
  };
}

/** The pages of a bootstrap; `undefined` where only the remote knows. */
function wantedOf(
  bootstrap: Bootstrap | undefined,
  { pageSize, pageCount }: DatabaseShape,
): PageRange[] | undefined {
  if (bootstrap?.kind === "query") return undefined;
  const bytes = bootstrap?.kind === "prefix" ? bootstrap.bytes : 0;
  const last = bootstrap?.kind === "full" ? pageCount : Math.min(pageCount, Math.ceil(bytes / pageSize));
  return last === 0 ? [] : [{ first: pageNo(1), last: pageNo(last) }];
}

function without(pages: readonly PageRange[], seen: PageSet): PageRange[] {
  if (seen.size === 0) return [...pages];
  return rangesInOrder([...pagesOf(pages)].filter((page) => !seen.has(page)));
}
