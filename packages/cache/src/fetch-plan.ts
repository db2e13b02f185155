import { type PageNo, type PrefetchCause, pagesOf } from "@lacuna/page";
import { segmentOf } from "./segment.ts";

/** Why a page is fetched: somebody waits for it, it shares a segment with such a page, or somebody asked for it ahead. */
export type FetchCause = "demand" | "segment" | PrefetchCause;

/** One request to be sent: what to ask for and why, most urgent first. */
export interface PlannedRequest {
  readonly urgency: "demand" | "prefetch";
  readonly pages: readonly PageNo[];
  /** Why each of them is. */
  readonly causes: readonly FetchCause[];
}

/** What came together in one turn. */
export interface Wanted {
  /** Pages somebody waits for, in the order met. */
  readonly demands: Iterable<PageNo>;
  /** Pages nobody waits for yet, most wanted first. */
  readonly prefetches: Iterable<{ readonly pages: readonly PageNo[]; readonly cause: PrefetchCause }>;
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
  const seen = new Set<PageNo>();
  const causes: FetchCause[] = [];
  const want = (page: PageNo, cause: FetchCause): void => {
    if (page > pageCount || seen.has(page) || !options.absent(page)) return;
    seen.add(page);
    causes.push(cause);
  };
  const demands = [...wanted.demands];
  for (const page of demands) want(page, "demand");
  for (const page of segmentPages > 1 ? demands : []) {
    for (const near of pagesOf([segmentOf(page, segmentPages, pageCount)])) want(near, "segment");
  }
  for (const { pages, cause } of wanted.prefetches) for (const page of pages) want(page, cause);
  return inRequests([...seen], causes, maxRequestPages);
}

function inRequests(
  pages: readonly PageNo[],
  causes: readonly FetchCause[],
  maxRequestPages: number,
): PlannedRequest[] {
  const requests: PlannedRequest[] = [];
  for (let at = 0; at < pages.length; at += maxRequestPages) {
    requests.push({
      // Demands come first, so a request without one at its head has none at all.
      urgency: causes[at] === "demand" ? "demand" : "prefetch",
      pages: pages.slice(at, at + maxRequestPages),
      causes: causes.slice(at, at + maxRequestPages),
    });
  }
  return requests;
}
