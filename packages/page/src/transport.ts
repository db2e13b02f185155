import type { PageNo } from "./page-number.ts";
import type { PageRange } from "./page-range.ts";
import type { PageSet } from "./page-set.ts";
import type { AbortOptions, DatabaseShape, LinkEstimate, Revision } from "./source.ts";

/** One page as it arrives. The receiver owns the bytes. */
export interface PageEntry {
  readonly page: PageNo;
  /** `pageSize` bytes. Often a view into a larger buffer: copy it to keep it alone. */
  readonly bytes: Uint8Array;
}

/** Which pages should come along with the answer to `open`. */
export type Bootstrap =
  /** As little as tells the shape. */
  | { readonly kind: "none" }
  /** The pages that start in the first `bytes` bytes of the file. */
  | { readonly kind: "prefix"; readonly bytes: number }
  /** The pages that running `sql` touches; the remote must be able to run SQL. */
  | { readonly kind: "query"; readonly sql: string }
  /** Every page. */
  | { readonly kind: "full" };

/** The answer to `open`: the newest shape, and the pages that came along. */
export interface Opening {
  readonly shape: DatabaseShape;
  /**
   * The pages of the bootstrap, in batches as for `fetchPages`, each at most once; others that came along anyway may be among
   * them. Iterate it at most once; ending the iteration early cancels the rest. It must be iterated or ended (`return()`), or
   * the connection stays open.
   */
  readonly pages: AsyncIterable<readonly PageEntry[]>;
}

export interface PageRequest {
  /** The revision the pages must belong to. */
  readonly revision: Revision;
  /** What is wanted, most urgent first. Every page exists at that revision; no page twice. */
  readonly pages: readonly PageRange[];
  /** `demand`: somebody is waiting for at least the first page. */
  readonly urgency: "demand" | "prefetch";
  /**
   * Pages of the revision that travel anyway may be yielded too, each at most once.
   * @default false
   */
  readonly takesOthers?: boolean | undefined;
  /**
   * Whoever asks copies the bytes of a batch before it goes on to the next one: after that, their memory may be given back or
   * used again.
   * @default false
   */
  readonly copies?: boolean | undefined;
}

export interface QueryRequest {
  /** The revision the pages must belong to. */
  readonly revision: Revision;
  /** One SELECT or WITH statement without parameters. */
  readonly sql: string;
  /** Pages that need not be sent. The transport does not change it. */
  readonly held: PageSet;
}

/**
 * How pages of a remote database are obtained. One `fetchPages` is one request where the remote allows it.
 * Transports neither cache nor retry; see `withRetry` of `@lacuna/transport`.
 *
 * Errors, besides `signal.reason`: `NETWORK`, `TIMEOUT`, `UNAUTHORIZED`, `HTTP_STATUS`, `SHORT_READ`, `PROTOCOL`,
 * `RANGE_UNSUPPORTED`, `NOT_A_DATABASE`, `CORRUPT_PAGE` (a file that is cut short), `NOT_SUPPORTED`, `REVISION_CHANGED`,
 * `STORAGE` (a local file), `OFFLINE` (a remote that is paused), `CLOSED`.
 */
export interface Transport {
  /** Asks for the newest revision, with the pages of `bootstrap` (default: none) on the way. */
  open(options?: AbortOptions & { readonly bootstrap?: Bootstrap | undefined }): Promise<Opening>;
  /**
   * The pages asked for, each exactly once, as their bytes arrive: a batch is what one piece of the answer completed, at
   * least one page, and no page waits for more to come. Pages of another revision, unrequested pages, unless the request
   * takes others, and wrong lengths end as errors, never as entries. When the iteration ends normally every page was
   * yielded. Ending the iteration early cancels the request.
   */
  fetchPages(request: PageRequest, options?: AbortOptions): AsyncIterable<readonly PageEntry[]>;
  /**
   * The pages that running a query touches at a revision, but for those that are held, as batches in the way of
   * `fetchPages`. One request. Absent on transports whose remote cannot run SQL.
   * @throws {LacunaError} also `NOT_SUPPORTED` if this remote runs no queries, `SQL` if it refuses this one
   */
  queryPages?(request: QueryRequest, options?: AbortOptions): AsyncIterable<readonly PageEntry[]>;
  /** What the way to the remote can do; `undefined` until enough was measured. Absent on transports that do not measure. */
  linkEstimate?(): LinkEstimate | undefined;
  /** Bytes and requests so far. */
  traffic(): TransportTraffic;
  close(): Promise<void>;
}

/** What a transport has sent and received since it was made. */
export interface TransportTraffic {
  /** Requests sent, failed ones and retries included. */
  readonly requests: number;
  /** Body bytes sent. */
  readonly sentBytes: number;
  /** Body bytes received, as the runtime hands them over. */
  readonly receivedBytes: number;
}
