import {
  type DatabaseShape,
  type Difference,
  type DifferenceRequest,
  indexOfPage,
  LacunaError,
  type PageEntry,
  type PageNo,
  revision,
} from "@lacuna/page";
import type { PullRequest } from "@lacuna/protocol";
import type { AbortScope } from "../abort-scope.ts";
import { endable } from "../endable.ts";
import type { PullStream } from "./pull-stream.ts";

/**
 * What to send to learn what changed.
 * @param selecting whether the server may be asked for some pages only; otherwise more come, which does no harm
 */
export function differenceRequest(
  { since, held, longPollMs = 0 }: DifferenceRequest,
  selecting: boolean,
): Partial<PullRequest> {
  const request = { clientRevision: since.revision, longPollMs };
  if (held === undefined || !selecting) return request;
  return {
    ...request,
    pages: held.map(({ first, last }) => ({ first: indexOfPage(first), last: indexOfPage(last) })),
  };
}

/** The answer, as its pages come. Ends the scope when it is over. */
export async function readDifference(
  stream: PullStream,
  { since, held }: DifferenceRequest,
  scope: AbortScope,
): Promise<Difference> {
  const { serverRevision, pageCount } = stream.header;
  // The first page to come decides about the page size: the remote may have taken another one.
  let sent: number | undefined;
  const batches = stream.pages((entry) => {
    sent ??= entry.bytes.length;
  });
  const first = await batches.next();
  const shape: DatabaseShape = {
    revision: revision(serverRevision),
    pageSize: sent ?? since.pageSize,
    pageCount,
  };
  const newFrom = held === undefined && shape.pageSize === since.pageSize ? since.pageCount + 1 : undefined;
  const pages = allPages(first, batches, stream, { scope, newFrom });
  return { shape, pages: endable(pages, () => scope.end()) };
}

async function* allPages(
  first: IteratorResult<PageEntry[], void>,
  batches: AsyncGenerator<PageEntry[], void, undefined>,
  stream: PullStream,
  { scope, newFrom }: { readonly scope: AbortScope; readonly newFrom: number | undefined },
): AsyncGenerator<readonly PageEntry[], void, undefined> {
  try {
    for (let step = first; step.done !== true; step = await batches.next()) yield step.value;
    if (newFrom === undefined) return;
    for (let page = newFrom; page <= stream.header.pageCount; page++) {
      if (stream.has(page as PageNo)) continue;
      throw new LacunaError("SHORT_READ", "the page is new, and the answer ended without it", {
        page: page as PageNo,
      });
    }
  } finally {
    scope.end();
  }
}
