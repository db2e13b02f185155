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
  type PageRange,
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
import { inBrowser } from "../in-browser.ts";
import { mergeStreams } from "../merge-streams.ts";
import { USUAL_PAGE_SIZE } from "../usual-page-size.ts";
import { parseContentRange } from "./content-range.ts";
import { firstBytes, openingExtent } from "./opening-answer.ts";
import { PageSplitter } from "./page-splitter.ts";
import { type PlannedRange, planRanges } from "./range-plan.ts";
import { type ByteSpan, checkRange, exactBody, rangeHeader } from "./range-request.ts";
import {
  canValidate,
  describeValidators,
  readRevision,
  type StaticRevision,
  sameValidators,
  validatorsOf,
  writeRevision,
} from "./static-revision.ts";
import { worthwhileGap } from "./worthwhile-gap.ts";

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
}

const IDENTITY = { "accept-encoding": "identity" };

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
  readonly #gapBytes: number | "auto";
  readonly #maxRequests: number;

  constructor(options: HttpRangeOptions) {
    const { gapBytes = "auto", maxRequests = 6 } = options;
    if (gapBytes !== "auto") checkCount("gapBytes", gapBytes, 0);
    checkCount("maxRequests", maxRequests, 1);
    this.#gapBytes = gapBytes;
    this.#maxRequests = maxRequests;
    this.#endpoint = new HttpEndpoint(options, "the static host transport");
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
        headers: { ...IDENTITY, range: rangeHeader(asked) },
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
      yield* split(splitter, exactBody(answer, sentBytes, head));
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
    const { urgency } = request;
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
      const plan = planRanges(request.pages, {
        pageSize: state.pageSize,
        gapBytes: this.#gapFor(request.pages, state.pageSize),
        demand: urgency === "demand",
      });
      const streams = plan.map(
        (range) => (signal: AbortSignal) => this.#fetchRange(range, state, request, signal),
      );
      const pages = mergeStreams(streams, this.#maxRequests, scope.signal);
      if (canValidate(state.validators)) yield* pages;
      else {
        const checked = await this.#checkedAfterwards(pages, state, scope.signal);
        if (checked.length > 0) yield checked;
      }
    } finally {
      scope.end();
    }
  }

  #gapFor(pages: readonly PageRange[], pageSize: number): number {
    if (this.#gapBytes !== "auto") return this.#gapBytes;
    return worthwhileGap(pages, { pageSize, maxRequests: this.#maxRequests, link: this.linkEstimate() });
  }

  async *#fetchRange(
    range: PlannedRange,
    state: StaticRevision,
    { urgency, takesOthers = false }: PageRequest,
    signal: AbortSignal,
  ): AsyncGenerator<readonly PageEntry[], void, undefined> {
    const { pageSize } = state;
    const asked = { first: (range.first - 1) * pageSize, last: range.last * pageSize - 1 };
    const answer = await this.#sendPinned(asked, state, urgency, signal);
    const wanted = takesOthers ? [range] : range.wanted;
    const splitter = new PageSplitter({ first: range.first, pageSize, wanted });
    yield* split(splitter, exactBody(answer, asked.last - asked.first + 1));
  }

  /** Asks for bytes of the file in the state that the revision names, and lets no other state through. */
  async #sendPinned(
    asked: { readonly first: number; readonly last: number },
    state: StaticRevision,
    urgency: PageRequest["urgency"],
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    const { etag } = state.validators;
    // Across origins a browser asks the host first whether it may send a condition, and most static hosts do not answer.
    // The tag of the answer tells the same; the condition only saves bytes.
    const condition = etag === undefined || inBrowser() ? {} : { "if-match": etag };
    const answer = await this.#endpoint.send({
      method: "GET",
      headers: { ...IDENTITY, range: rangeHeader(asked), ...condition },
      urgency,
      signal,
    });
    const { status, url } = answer;
    const changed = (found: string): LacunaError =>
      new LacunaError("REVISION_CHANGED", `the file at ${url} was replaced: ${found}`, { status, url });
    if (status === 412) throw changed("the host no longer has the state that was asked for");
    if (status === 416) {
      const total = parseContentRange(answer.header("content-range"))?.total;
      throw changed(`it had ${state.length} bytes, now ${total ?? "fewer"}`);
    }
    const { total } = await checkRange(answer, asked);
    if (total !== state.length) throw changed(`it had ${state.length} bytes, now ${total}`);
    const validators = validatorsOf(answer.headers);
    if (!sameValidators(validators, state.validators)) {
      throw changed(
        `${describeValidators(state.validators)} expected, found ${describeValidators(validators)}`,
      );
    }
    return answer;
  }

  /**
   * For a host that gives no validator at all: holds the pages back until the change counter, read after them, shows that
   * they are of the right state.
   */
  async #checkedAfterwards(
    pages: AsyncIterable<readonly PageEntry[]>,
    state: StaticRevision,
    signal: AbortSignal,
  ): Promise<PageEntry[]> {
    const held: PageEntry[] = [];
    for await (const batch of pages) held.push(...batch);
    const last = DATABASE_HEADER_BYTES - 1;
    const answer = await this.#sendPinned({ first: 0, last }, state, "demand", signal);
    const { changeCounter } = shapeOfFile(await firstBytes(answer, last + 1), state.length);
    if (changeCounter !== state.changeCounter) {
      throw new LacunaError(
        "REVISION_CHANGED",
        `the file at ${answer.url} was changed: change counter ${state.changeCounter} expected, found ${changeCounter}`,
        { url: answer.url },
      );
    }
    return held;
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

/** The pages that each piece of a body completes. */
async function* split(
  splitter: PageSplitter,
  chunks: AsyncIterable<Uint8Array>,
): AsyncGenerator<PageEntry[], void, undefined> {
  for await (const chunk of chunks) {
    const entries = splitter.push(chunk);
    if (entries.length > 0) yield entries;
  }
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
