import { parseDatabaseHeader } from "@lacuna/btree";
import {
  type AbortOptions,
  type Bootstrap,
  type DatabaseShape,
  indexOfPage,
  LacunaError,
  type LinkEstimate,
  type Opening,
  type PageEntry,
  type PageIndex,
  type PageNo,
  type PageRequest,
  PageSet,
  pageIndex,
  pageNo,
  pagesOf,
  type Revision,
  revision,
  type Transport,
  type TransportTraffic,
} from "@lacuna/page";
import { encodePullRequest, type PageIndexRange, type PullRequest } from "@lacuna/protocol";
import type { AbortScope } from "../abort-scope.ts";
import { endable } from "../endable.ts";
import { HttpEndpoint, type HttpOptions } from "../http-endpoint.ts";
import { USUAL_PAGE_SIZE } from "../usual-page-size.ts";
import { refuseWebPage } from "../web-page.ts";
import { PullStream } from "./pull-stream.ts";
import { PULL_HEADERS, pullUrl } from "./pull-url.ts";
import { serverError } from "./server-error.ts";

/** Where the server is and how to identify to it. `libsql:` and `turso:` URLs mean `https:`; a path is kept. */
export interface SyncServerOptions extends HttpOptions {}

/** Pages named to be sent first: as many as are on the line for about one round trip. */
const MOST_FIRST_PAGES = 32;

/**
 * As `syncServerTransport`, for those who only open databases and fetch their pages.
 * @throws {LacunaError} `INVALID_OPTION`
 */
export function syncServerPages(options: SyncServerOptions): Transport {
  return new SyncServerPages(options);
}

/** The reading half of a sync server. */
export class SyncServerPages implements Transport {
  readonly endpoint: HttpEndpoint;
  #opened: DatabaseShape | undefined;
  /** Whether the server gives differences of a selection of pages; `undefined` until it has answered. */
  selects: boolean | undefined;

  constructor(options: SyncServerOptions) {
    this.endpoint = new HttpEndpoint(options, "the sync server transport", pullUrl);
  }

  async open(options: AbortOptions & { readonly bootstrap?: Bootstrap | undefined } = {}): Promise<Opening> {
    const { bootstrap = { kind: "none" } } = options;
    const scope = this.endpoint.scope(options.signal);
    try {
      const asked = bootstrap.kind === "query" ? "query" : "newest";
      const stream = await this.send(bootstrapRequest(bootstrap), { asked, urgency: "demand", scope });
      const { serverRevision, pageCount } = stream.header;
      // The first page to come decides about the page size; page 1 must agree.
      let sent: number | undefined;
      const batches = stream.pages((entry) => {
        sent ??= entry.bytes.length;
        checkFirstPage(entry, sent);
      });
      const first = await batches.next();
      // An answer without pages is that of an empty database, or one that was cut off.
      if (pageCount > 0 && first.done === true) throw missingPages(0, 1, undefined);
      const pageSize = sent ?? USUAL_PAGE_SIZE;
      const shape: DatabaseShape = { revision: revision(serverRevision), pageSize, pageCount };
      this.#opened = shape;
      const pages = this.#openingPages(bootstrap, { shape, first, batches, stream, scope });
      return { shape, pages: endable(pages, () => scope.end()) };
    } catch (error) {
      scope.end();
      throw error;
    }
  }

  async *#openingPages(
    bootstrap: Bootstrap,
    facts: {
      shape: DatabaseShape;
      first: IteratorResult<PageEntry[], void>;
      batches: AsyncGenerator<PageEntry[], void, undefined>;
      stream: PullStream;
      scope: AbortScope;
    },
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    const { shape, first, batches, stream, scope } = facts;
    const { pageCount, revision } = shape;
    const wanted = wantedPages(bootstrap, shape);
    const sent = Math.min(pageCount, askedPages(bootstrap) ?? pageCount);
    let came = 0;
    try {
      for (let step = first; step.done !== true; step = await batches.next()) {
        const batch = wanted === undefined ? step.value : step.value.filter(({ page }) => page <= wanted);
        came += batch.length;
        if (batch.length > 0) yield batch;
        // With larger pages than were counted on, the rest of the answer was never wanted.
        if (wanted !== undefined && wanted < sent && came === wanted) return;
      }
      if (wanted === undefined) {
        if (pageCount > 0 && !stream.has(pageNo(1))) throw missingPages(0, 1, pageNo(1));
        return;
      }
      if (came < Math.min(wanted, sent)) throw missingPages(came, Math.min(wanted, sent), undefined);
      if (wanted > sent) {
        const rest = [{ first: pageNo(sent + 1), last: pageNo(wanted) }];
        yield* this.fetchPages({ revision, pages: rest, urgency: "demand" }, { signal: scope.signal });
      }
    } finally {
      scope.end();
    }
  }

  async *fetchPages(
    request: PageRequest,
    options: AbortOptions = {},
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    const { revision: pinned, urgency, copies } = request;
    const order = [...pagesOf(request.pages)];
    const wanted = new PageSet(order);
    const scope = this.endpoint.scope(options.signal);
    try {
      scope.signal.throwIfAborted();
      if (wanted.size === 0) return;
      const pageSize = this.pageSizeAt(pinned);
      const pull = { serverRevision: pinned, pages: indexRanges(wanted), firstPages: firstPages(order) };
      const stream = await this.send(pull, { asked: "pinned", urgency, scope, pageSize });
      checkRevision(pinned, stream);
      yield* stream.pages(({ page }) => {
        if (wanted.has(page)) return;
        throw new LacunaError("PROTOCOL", "the server sent a page that was not asked for", { page });
      }, copies);
      if (stream.count < wanted.size) {
        const missing = [...wanted].find((page) => !stream.has(page));
        throw missingPages(stream.count, wanted.size, missing);
      }
    } finally {
      scope.end();
    }
  }

  /** Sends one request to pull. */
  async send(
    pull: Partial<PullRequest>,
    how: {
      asked: "newest" | "query" | "pinned";
      urgency: PageRequest["urgency"];
      scope: AbortScope;
      pageSize?: number | undefined;
    },
  ): Promise<PullStream> {
    const answer = await this.endpoint.send({
      method: "POST",
      headers: PULL_HEADERS,
      body: encodePullRequest(pull),
      urgency: how.urgency,
      signal: how.scope.signal,
    });
    if (answer.status !== 200) throw await serverError(answer, how.asked);
    refuseWebPage(answer);
    const stream = await PullStream.start(answer, how.pageSize);
    this.selects = stream.header.selectsDifferences === true;
    return stream;
  }

  /** The page size, if this is the revision that was opened. */
  pageSizeAt(pinned: Revision): number | undefined {
    return this.#opened?.revision === pinned ? this.#opened.pageSize : undefined;
  }

  linkEstimate(): LinkEstimate | undefined {
    return this.endpoint.link.estimate();
  }

  traffic(): TransportTraffic {
    return this.endpoint.traffic.snapshot();
  }

  async close(): Promise<void> {
    this.endpoint.close();
  }
}

/** How many pages are asked for from the first on; `undefined` where that is not how they are chosen. */
function askedPages(bootstrap: Bootstrap): number | undefined {
  if (bootstrap.kind === "none") return 1;
  if (bootstrap.kind === "prefix") return Math.max(1, Math.ceil(bootstrap.bytes / USUAL_PAGE_SIZE));
  return undefined;
}

/** How many pages from the first on are the bootstrap; `undefined` where the server decides. */
function wantedPages(bootstrap: Bootstrap, { pageSize, pageCount }: DatabaseShape): number | undefined {
  if (bootstrap.kind === "query") return undefined;
  if (bootstrap.kind === "full") return pageCount;
  const bytes = bootstrap.kind === "prefix" ? bootstrap.bytes : 0;
  return Math.min(pageCount, Math.max(1, Math.ceil(bytes / pageSize)));
}

function bootstrapRequest(bootstrap: Bootstrap): Partial<PullRequest> {
  if (bootstrap.kind === "query") return { query: bootstrap.sql };
  const count = askedPages(bootstrap);
  return count === undefined ? {} : { pages: [{ first: pageIndex(0), last: pageIndex(count - 1) }] };
}

/** Those that are more urgent than their place in ascending order; not all, if many. */
function firstPages(order: readonly PageNo[]): PageIndex[] {
  const end = 1 + order.findLastIndex((page, at) => page > (order[at + 1] ?? page));
  return order.slice(0, Math.min(end, MOST_FIRST_PAGES)).map(indexOfPage);
}

export const indexRanges = (pages: PageSet): PageIndexRange[] =>
  pages.ranges().map(({ first, last }) => ({ first: indexOfPage(first), last: indexOfPage(last) }));

export function checkRevision(pinned: Revision, { header }: PullStream): void {
  if (header.serverRevision === pinned) return;
  throw new LacunaError(
    "REVISION_CHANGED",
    `revision ${pinned} was asked for, the server sent ${header.serverRevision}`,
  );
}

/** Page 1 says what the page size is; the length of what was sent must agree. */
function checkFirstPage({ page, bytes }: PageEntry, pageSize: number): void {
  if (page !== 1) return;
  const stated = parseDatabaseHeader(bytes).pageSize;
  if (stated === pageSize) return;
  throw new LacunaError("PROTOCOL", `the header says ${stated} bytes per page, the server sent ${pageSize}`, {
    page,
  });
}

function missingPages(came: number, expected: number, page: PageEntry["page"] | undefined): LacunaError {
  return new LacunaError("SHORT_READ", `${expected} pages expected, the answer ended after ${came}`, {
    page,
  });
}
