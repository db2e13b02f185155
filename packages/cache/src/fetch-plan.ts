import { type PageNo, pagesOf } from "@lacuna/page";
import { segmentOf } from "./segment.ts";

/** Why a page is fetched: somebody waits for it, it shares a segment with such a page, or it was predicted. */
export type FetchCause = "demand" | "segment" | "prefetch";

/** One request to be sent: what to ask for and why, most urgent first. */
export interface PlannedRequest {
  readonly urgency: "demand" | "prefetch";
  readonly pages: Map<PageNo, FetchCause>;
}

/** What came together in one turn. */
export interface Wanted {
  /** Pages somebody waits for, in the order met. */
  readonly demands: Iterable<PageNo>;
  /** Pages nobody waits for yet, most wanted first. */
  readonly prefetches: Iterable<PageNo>;
}

export interface PlanOptions {
  /** Pages per segment. */
  readonly segmentPages: number;
  readonly pageCount: number;
  readonly maxRequestPages: number;
  /** True for a page that is neither here nor on the way. */
  absent(page: PageNo): boolean;
}

/**
 * Decides what to ask for: the demanded pages in the order met, then the rest of their segments, then the predicted
 * pages; each page once, in one request unless that would be too large.
 */
export function planRequests(wanted: Wanted, options: PlanOptions): PlannedRequest[] {
  const { pageCount, segmentPages, maxRequestPages } = options;
  const causes = new Map<PageNo, FetchCause>();
  const want = (page: PageNo, cause: FetchCause): void => {
    if (page <= pageCount && !causes.has(page) && options.absent(page)) causes.set(page, cause);
  };
  const demands = [...wanted.demands];
  for (const page of demands) want(page, "demand");
  for (const page of demands) {
    for (const near of pagesOf([segmentOf(page, segmentPages, pageCount)])) want(near, "segment");
  }
  for (const page of wanted.prefetches) want(page, "prefetch");
  return inRequests(causes, maxRequestPages);
}

function inRequests(causes: Map<PageNo, FetchCause>, maxRequestPages: number): PlannedRequest[] {
  if (causes.size === 0) return [];
  // Nearly always one request is enough, and then nothing is copied.
  if (causes.size <= maxRequestPages) return [requestFor(causes)];
  const pages = [...causes];
  const requests: PlannedRequest[] = [];
  for (let at = 0; at < pages.length; at += maxRequestPages) {
    requests.push(requestFor(new Map(pages.slice(at, at + maxRequestPages))));
  }
  return requests;
}

/** Demands come first, so a request without one at its head has none at all. */
function requestFor(pages: Map<PageNo, FetchCause>): PlannedRequest {
  const [first] = pages.values();
  return { urgency: first === "demand" ? "demand" : "prefetch", pages };
}
