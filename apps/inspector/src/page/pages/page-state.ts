import type { PagesEvent } from "lacuna";

/** Why a page came after opening. */
export type Cause = Extract<PagesEvent, { type: "page" }>["cause"];

/** What the map shows of a page. */
export type PageState = "absent" | "on the way" | "local" | "wasted" | Cause;

/** Every state, in the order of the legend; a page's state is kept as a position in this list. */
export const PAGE_STATES: readonly PageState[] = [
  "absent",
  "on the way",
  "local",
  "demand",
  "segment",
  "run-ahead",
  "children",
  "scan",
  "index-rows",
  "overflow",
  "history",
  "walk",
  "hydrate",
  "other",
  "wasted",
];

/** In words, for the legend and for the line about one page. */
export const STATE_WORDS: Readonly<Record<PageState, readonly [short: string, long: string]>> = {
  absent: ["Not here", "not here: nothing has asked for it"],
  "on the way": ["On the way", "asked for and on the way"],
  local: ["Local", "here from the start: it came at opening, or was kept from the last time"],
  demand: ["Demanded", "a statement waited for it"],
  segment: ["Segment", "came with the segment of a demanded page"],
  "run-ahead": ["Run-ahead", "prefetched: the statement, run ahead, came to it"],
  children: ["Children", "prefetched as the child of an interior page"],
  scan: ["Scan", "prefetched because a reader goes from leaf to leaf"],
  "index-rows": ["Index rows", "prefetched because an index leaf points to its rows"],
  overflow: ["Overflow", "prefetched as the rest of a long value"],
  history: ["History", "prefetched because the same statement came to it before"],
  walk: ["Walk", "prefetched for a walk over a tree"],
  hydrate: ["Hydrated", "brought so that it is here"],
  other: ["Other", "prefetched"],
  wasted: ["Wasted", "came ahead and was not read by the statement that brought it"],
};

/** True for states of pages that can be read without the network. */
export const isHere = (state: PageState): boolean => state !== "absent" && state !== "on the way";
