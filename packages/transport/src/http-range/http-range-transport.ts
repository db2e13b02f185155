import { DATABASE_HEADER_BYTES } from "@lacuna/btree";
import {
  type AbortOptions,
  type Bootstrap,
  type DatabaseShape,
  isLacunaError,
  LacunaError,
  type LinkEstimate,
  type Opening,
  type PageEntry,
  type PageRequest,
  pageNo,
  type Transport,
  type TransportTraffic,
} from "@lacuna/page";
import type { AbortScope } from "../abort-scope.ts";
import { checkCount } from "../check-count.ts";
import { endable } from "../endable.ts";
import { shapeOfFile } from "../file-shape.ts";
import type { HttpAnswer } from "../http-answer.ts";
import { HttpEndpoint, type HttpOptions } from "../http-endpoint.ts";
import { USUAL_PAGE_SIZE } from "../usual-page-size.ts";
import { firstBytes, openingExtent } from "./opening-answer.ts";
import { PageSplitter } from "./page-splitter.ts";
import { askRange, type PinnedFile, replaced } from "./pinned-file.ts";
import { type ByteSpan, exactBody, rangeHeaders } from "./range-request.ts";
import { RangeStreams } from "./range-streams.ts";
import { canValidate, readRevision, validatorsOf, writeRevision } from "./static-revision.ts";

export interface HttpRangeOptions extends HttpOptions {
  /**
   * Bytes that may travel between two wanted pages to save a request. `"auto"` weighs the time they take against that of
   * the requests, as measured, for each list of pages; until then 100 ms and 20 Mbit/s are assumed.
   * @default "auto"
   */
  readonly gapBytes?: number | "auto" | undefined;
  /**
   * Range requests of one `fetchPages` that go on at once, at least 1.
   * @default 6
   */
  readonly maxRequests?: number | undefined;
  /**
   * Ranges that one request asks for at most, at least 1; with 1 the host is never asked for several. Whether it answers them
   * shows with the first list of pages that takes more than one request otherwise: the page wanted first is asked for by
   * itself then, and one more request goes on at once. A host that does not is asked for one range at a time from then on. In
   * a browser only the host of the page itself is asked, since others would have to permit it.
   * @default 200
   */
  readonly rangesPerRequest?: number | undefined;
}

/**
 * The pages of a database file on any HTTP host that serves ranges. The revision is the strong `ETag`, or else the weak
 * one with `Last-Modified`, the file's length and its change counter; every answer is checked against it.
 * @throws {LacunaError} `INVALID_OPTION`
 */
export function httpRangeTransport(options: HttpRangeOptions): Transport {
  return new HttpRangeTransport(options);
}

class HttpRangeTransport implements Transport {
  readonly #endpoint: HttpEndpoint;
  readonly #streams: RangeStreams;

  constructor(options: HttpRangeOptions) {
    const { gapBytes = "auto", maxRequests = 6, rangesPerRequest = 200 } = options;
    if (gapBytes !== "auto") checkCount("gapBytes", gapBytes, 0);
    checkCount("maxRequests", maxRequests, 1);
    checkCount("rangesPerRequest", rangesPerRequest, 1);
    this.#endpoint = new HttpEndpoint(options, "the static host transport");
    const { link } = this.#endpoint;
    this.#streams = new RangeStreams({ gapBytes, maxRequests, rangesPerRequest, link });
  }

  async open(options: AbortOptions & { readonly bootstrap?: Bootstrap | undefined } = {}): Promise<Opening> {
    const { bootstrap = { kind: "none" } } = options;
    if (bootstrap.kind === "query") {
      throw new LacunaError("NOT_SUPPORTED", "a static host cannot run the SQL of a query bootstrap");
    }
    const wantedBytes = bootstrap.kind === "prefix" ? bootstrap.bytes : 0;
    // Whole pages, if they are of the usual size.
    const usual = Math.max(1, Math.ceil(wantedBytes / USUAL_PAGE_SIZE)) * USUAL_PAGE_SIZE;
    const asked: ByteSpan = { first: 0, last: bootstrap.kind === "full" ? undefined : usual - 1 };
    const scope = this.#endpoint.scope(options.signal);
    try {
      const answer = await this.#endpoint.send({
        method: "GET",
        headers: rangeHeaders(asked),
        urgency: "demand",
        signal: scope.signal,
      });
      const extent = await openingExtent(answer, asked);
      const head = await firstBytes(answer, Math.min(DATABASE_HEADER_BYTES, extent.sentBytes));
      return this.#opening(answer, { ...extent, head, bootstrap, scope });
    } catch (error) {
      scope.end();
      throw error;
    }
  }

  #opening(
    answer: HttpAnswer,
    facts: {
      head: Uint8Array;
      sentBytes: number;
      totalBytes: number;
      bootstrap: Bootstrap;
      scope: AbortScope;
    },
  ): Opening {
    const { totalBytes, bootstrap, scope } = facts;
    let file: ReturnType<typeof shapeOfFile>;
    try {
      file = shapeOfFile(facts.head, totalBytes);
    } catch (error) {
      throw withWhere(error, answer);
    }
    const { pageSize, pageCount } = file;
    const validators = validatorsOf(answer.headers);
    const changeCounter = validators.etag === undefined ? file.changeCounter : undefined;
    const revision = writeRevision({ pageSize, length: totalBytes, validators, changeCounter });
    const shape: DatabaseShape = { revision, pageSize, pageCount };
    const wantedPages =
      bootstrap.kind === "prefix" ? Math.min(pageCount, Math.ceil(bootstrap.bytes / pageSize)) : undefined;
    const pages = this.#openingPages(answer, shape, { ...facts, wantedPages });
    return { shape, pages: endable(pages, () => scope.end()) };
  }

  /** The pages that are whole in the first answer, then those of the prefix that are not. */
  async *#openingPages(
    answer: HttpAnswer,
    shape: DatabaseShape,
    facts: { head: Uint8Array; sentBytes: number; wantedPages: number | undefined; scope: AbortScope },
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    const { head, sentBytes, wantedPages, scope } = facts;
    const { pageSize, pageCount, revision } = shape;
    try {
      const whole = Math.min(wantedPages ?? pageCount, Math.floor(sentBytes / pageSize));
      const wanted = whole === 0 ? [] : [{ first: pageNo(1), last: pageNo(whole) }];
      const splitter = new PageSplitter({ first: 1, pageSize, wanted });
      yield* splitter.pages(exactBody(answer, sentBytes, head));
      if (wantedPages !== undefined && whole < wantedPages) {
        const rest = [{ first: pageNo(whole + 1), last: pageNo(wantedPages) }];
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
    const state = readRevision(request.revision);
    if (state === undefined) {
      throw new LacunaError(
        "REVISION_CHANGED",
        "the revision was not given by a static host; ask for the newest",
      );
    }
    const scope = this.#endpoint.scope(options.signal);
    try {
      scope.signal.throwIfAborted();
      const file = { endpoint: this.#endpoint, state, urgency: request.urgency };
      const pages = this.#streams.pages(file, request, scope.signal);
      if (canValidate(state.validators)) yield* pages;
      else {
        const checked = await checkedAfterwards(pages, file, scope.signal);
        if (checked.length > 0) yield checked;
      }
    } finally {
      scope.end();
    }
  }

  linkEstimate(): LinkEstimate | undefined {
    return this.#endpoint.link.estimate();
  }

  traffic(): TransportTraffic {
    return this.#endpoint.traffic.snapshot();
  }

  async close(): Promise<void> {
    this.#endpoint.close();
  }
}

/**
 * For a host that gives no validator at all: holds the pages back until the change counter, read after them, shows that they
 * are of the right state.
 */
async function checkedAfterwards(
  pages: AsyncIterable<readonly PageEntry[]>,
  file: PinnedFile,
  signal: AbortSignal,
): Promise<PageEntry[]> {
  const held: PageEntry[] = [];
  for await (const batch of pages) held.push(...batch);
  const { length, changeCounter: expected } = file.state;
  const last = DATABASE_HEADER_BYTES - 1;
  const answer = await askRange(file, { first: 0, last }, signal);
  const { changeCounter: found } = shapeOfFile(await firstBytes(answer, last + 1), length);
  if (found !== expected) throw replaced(answer, `change counter ${expected} expected, found ${found}`);
  return held;
}

/** The error with where it happened, for a body that turned out to be something else. */
function withWhere(error: unknown, answer: HttpAnswer): unknown {
  if (!isLacunaError(error)) return error;
  const { status, url, mediaType = "no content type" } = answer;
  const { code, offset } = error;
  return new LacunaError(code, `${url} (${mediaType}): ${error.message}`, {
    status,
    url,
    offset,
    cause: error,
  });
}
