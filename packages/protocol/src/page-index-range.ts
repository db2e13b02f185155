import type { PageIndex } from "@lacuna/page";

/** A run of consecutive page indexes, as the wire counts them: from 0. Both ends belong to it. */
export interface PageIndexRange {
  readonly first: PageIndex;
  /** Not less than `first`. */
  readonly last: PageIndex;
}
