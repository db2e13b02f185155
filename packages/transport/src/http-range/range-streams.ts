import { isLacunaError, type PageEntry, type PageRequest, PageSet, pagesOf } from "@lacuna/page";
import { untilAborted } from "../abort-scope.ts";
import type { HttpAnswer } from "../http-answer.ts";
import type { LinkMeter } from "../link-meter.ts";
import { mergeStreams } from "../merge-streams.ts";
import { PageSplitter } from "./page-splitter.ts";
import { askRange, askRanges, mayAskSeveral, type PinnedFile } from "./pinned-file.ts";
import { type PlannedRange, planRanges } from "./range-plan.ts";
import { exactBody } from "./range-request.ts";
import { type Part, splitParts } from "./split-parts.ts";
import { worthwhileGap } from "./worthwhile-gap.ts";

type Pages = AsyncGenerator<readonly PageEntry[], void, undefined>;

type Stream = (signal: AbortSignal) => Pages;

export interface RangeStreamsOptions {
  readonly gapBytes: number | "auto";
  readonly maxRequests: number;
  readonly rangesPerRequest: number;
  readonly link: LinkMeter;
}

/**
 * Brings pages from a host by range requests, by one for several ranges where the host answers that. Whether it does shows with
 * the first list that would take more than one request otherwise.
 */
export class RangeStreams {
  readonly #options: RangeStreamsOptions;
  /** How many ranges the host answers in one request; `undefined` until it was asked for several. */
  #most: number | undefined;
  /** The first request for several, until its answer begins. */
  #trial: Promise<unknown> | undefined;

  constructor(options: RangeStreamsOptions) {
    this.#options = options;
    if (options.rangesPerRequest === 1) this.#most = 1;
  }

  /**
   * @param atOnce how many requests go on at once
   * @returns the pages of the request, those of all range requests as they come
   */
  pages(
    file: PinnedFile,
    request: PageRequest,
    signal: AbortSignal,
    atOnce = this.#options.maxRequests,
  ): Pages {
    return mergeStreams(this.#streams(file, request), atOnce, signal);
  }

  /** The requests that bring these pages, the most urgent first. */
  #streams(file: PinnedFile, request: PageRequest): Stream[] {
    const { pageSize } = file.state;
    const { gapBytes, maxRequests, link } = this.#options;
    const { pages, urgency } = request;
    const plan = (gapWithout: number): PlannedRange[] =>
      planRanges(pages, {
        pageSize,
        gapBytes: gapBytes === "auto" ? gapWithout : gapBytes,
        demand: urgency === "demand",
      });
    const single =
      (range: PlannedRange): Stream =>
      (signal) =>
        onePart(file, partOf(range, file, request), signal);
    const several =
      (ranges: PlannedRange[]): Stream =>
      (signal) =>
        this.#parts(file, ranges, request, signal);
    const apart = plan(worthwhileGap(pages, { pageSize, maxRequests, link: link.estimate() }));
    if (this.#most === 1 || !mayAskSeveral(file)) return apart.map(single);
    const ranges = plan(0);
    const isWorthwhile =
      this.#most === undefined ? apart.length > 1 : Math.ceil(ranges.length / this.#most) <= apart.length;
    if (!isWorthwhile) return apart.map(single);
    if (this.#most !== undefined) {
      const streams: Stream[] = [];
      while (ranges.length > 1) streams.push(several(ranges.splice(0, this.#most)));
      return [...streams, ...ranges.map(single)];
    }
    // What somebody waits for comes by itself, whatever the host makes of the others.
    const [urgent, ...others] = ranges as [PlannedRange, ...PlannedRange[]];
    // Any host answers a single range, so a page is asked for twice, and thrown away.
    if (others.length === 1) others.push({ first: urgent.first, last: urgent.first, wanted: [] });
    return [single(urgent), several(others)];
  }

  /** Several ranges in one request, and in further ones what that has not brought. */
  async *#parts(
    file: PinnedFile,
    ranges: readonly PlannedRange[],
    request: PageRequest,
    signal: AbortSignal,
  ): Pages {
    const wasKnown = this.#most !== undefined;
    const missing = new PageSet(pagesOf(ranges.flatMap(({ wanted }) => wanted)));
    let { takesOthers } = request;
    if (!wasKnown && this.#trial !== undefined) await untilAborted(this.#trial, signal);
    else if (this.#most !== 1) {
      const asked = ranges.slice(0, this.#most ?? this.#options.rangesPerRequest);
      // The first one stays that; the others ascend, since many hosts let a list go back and forth only a few times.
      asked.push(...asked.splice(1).sort((a, b) => a.first - b.first));
      const parts = asked.map((range) => partOf(range, file, request));
      const asking = this.#ask(file, parts, signal);
      this.#trial ??= asking.catch(() => {});
      const answer = await asking;
      if (answer !== undefined) {
        takesOthers = false;
        const coming = new Map(
          parts.map((part) => [`${part.first}-${part.last}/${file.state.length}`, part]),
        );
        const whole = yield* splitParts(answer.chunks(), coming, missing);
        if (whole < parts.length) this.#most = Math.max(1, whole);
      }
    }
    const rest = { ...request, pages: missing.ranges(), takesOthers };
    // One at a time where others of this kind may go on.
    yield* this.pages(file, rest, signal, wasKnown ? 1 : undefined);
  }

  /** What the host does with the first request for several ranges decides about those that follow. */
  async #ask(file: PinnedFile, parts: readonly Part[], signal: AbortSignal): Promise<HttpAnswer | undefined> {
    try {
      const answer = await askRanges(file, parts, signal);
      this.#most = answer === undefined ? 1 : (this.#most ?? this.#options.rangesPerRequest);
      return answer;
    } catch (error) {
      if (this.#most !== undefined) throw error;
      this.#trial = undefined;
      // Given up before the host has shown anything, unless it was for its silence.
      if (!signal.aborted || isLacunaError(signal.reason, "TIMEOUT")) this.#most = 1;
      signal.throwIfAborted();
      return undefined;
    }
  }
}

async function* onePart(file: PinnedFile, part: Part, signal: AbortSignal): Pages {
  const answer = await askRange(file, part, signal);
  yield* part.splitter.pages(exactBody(answer, part.last - part.first + 1));
}

function partOf(
  { first, last, wanted }: PlannedRange,
  { state: { pageSize } }: PinnedFile,
  { takesOthers = false }: PageRequest,
): Part {
  const taken = takesOthers && wanted.length > 0 ? [{ first, last }] : wanted;
  return {
    first: (first - 1) * pageSize,
    last: last * pageSize - 1,
    splitter: new PageSplitter({ first, pageSize, wanted: taken }),
  };
}
