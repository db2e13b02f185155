import type { PageStore } from "@lacuna/page";
import type { RemoteOptions } from "../remote-options.ts";

/** How a database is opened for reading without SQL. */
export interface OpenOptions extends Omit<RemoteOptions, "url"> {
  /**
   * Local file that keeps what came, for the next time, or `":memory:"`. `PATH-info` and `PATH-lock` lie beside it.
   * @default ":memory:"
   */
  readonly path?: string | undefined;
  /** Takes the pages instead of `path`. Owned and closed by the reader. */
  readonly store?: PageStore | undefined;
  /**
   * Bytes of the start of the file that come at opening: the header and most often the schema.
   * @default 65536
   */
  readonly prefixBytes?: number | undefined;
  /**
   * Bytes fetched together when a page is missing: aligned, rounded down to whole pages, at least one page. The reader
   * knows what it needs next; more is for readers of single rows that lie close together.
   * @default one page
   */
  readonly segmentSize?: number | undefined;
  /**
   * Bytes of pages kept in memory besides the local store.
   * @default 33554432
   */
  readonly memoryBytes?: number | undefined;
  /**
   * Gives every INTEGER as a `bigint`.
   * @default false: as a number where a number can hold it exactly
   */
  readonly bigints?: boolean | undefined;
  /** Ends the opening with the signal's reason. */
  readonly signal?: AbortSignal | undefined;
}
