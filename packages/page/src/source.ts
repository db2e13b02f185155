import type { PageNo } from "./page-number.ts";

/**
 * The remote's name for one committed state of a database. Opaque: compare for equality only.
 * On a sync server it is the server's string; on a static host it is made from the validators of the file.
 */
export type Revision = string & { readonly __unit: "Revision" };

/** @throws {RangeError} if `value` is empty: a revision always names something */
export function revision(value: string): Revision {
  if (value.length > 0) return value as Revision;
  throw new RangeError("a revision must not be empty");
}

/** The revision of a database that has no remote: all its pages are local. */
export const LOCAL_REVISION: Revision = revision("local");

/** What is known of a database at one revision before any of its pages is read. */
export interface DatabaseShape {
  readonly revision: Revision;
  /** Bytes per page: a power of two from 512 to 65536. */
  readonly pageSize: number;
  /** Pages in the database; 0 for a database nobody has written to yet. */
  readonly pageCount: number;
}

export interface AbortOptions {
  /** Ends the wait with the signal's reason. Other waiters for the same thing are unaffected. */
  readonly signal?: AbortSignal | undefined;
}

/** One piece of work of a reader, such as a run of a statement: an object of its own each time. */
export interface ReadTask {
  /** The same for the same work whatever its parameters, such as the text of the statement. */
  readonly name: string;
}

export interface ReadOptions extends AbortOptions {
  /** What the caller is doing. Predictors may use it; it never changes the result. */
  readonly hint?: "point" | "scan" | undefined;
  /** What the reader works on. Predictors may learn from one time for the next; it never changes the result. */
  readonly task?: ReadTask | undefined;
  /**
   * Whoever reads asks by itself for what it will want next, so predictors that guess at that need not.
   * @default false
   */
  readonly planned?: boolean | undefined;
}

/** What made somebody ask for pages that nobody waits for yet. */
export type PrefetchCause =
  /** They are the children of an interior page. */
  | "children"
  /** They may be the rest of a chain of overflow pages. */
  | "overflow"
  /** A reader goes from leaf to leaf. */
  | "scan"
  /** They hold the table rows that the entries of an index leaf point to. */
  | "index-rows"
  /** The same task came to them, or to such pages, the last time. */
  | "history"
  /** A statement came to them when it was run ahead. */
  | "run-ahead"
  /** A walk over a tree without SQL will come to them. */
  | "walk"
  /** They were asked for so that they are here, whoever will read them. */
  | "hydrate"
  /** Nobody said why. */
  | "other";

export interface PrefetchOptions extends AbortOptions {
  /**
   * For the accounts of whoever fetches; it changes nothing else.
   * @default "other"
   */
  readonly cause?: PrefetchCause | undefined;
}

/** What the way to the remote can do, as measured. */
export interface LinkEstimate {
  /** Milliseconds from sending a request to the beginning of its answer. */
  readonly roundTripMs: number;
  /** Bytes of pages that arrive in a second while answers arrive. */
  readonly bytesPerSecond: number;
}

/** The pages of one database at one revision. */
export interface PageSource extends DatabaseShape {
  /**
   * The page if it can be had without waiting: from memory, or from local storage that reads synchronously.
   * Never touches the network. The array is shared: never write to it, and copy what you keep.
   */
  peek(page: PageNo): Uint8Array | undefined;
  /**
   * Copies the page to `into`, from its byte `at` on, where `peek` would hand it out. Absent on sources that have nothing
   * to gain by it: the memory of a page whose array nobody was handed can be used again at once.
   * @returns whether it did; where it did not, `peek` may still have the page
   */
  copyTo?(page: PageNo, into: Uint8Array, at: number): boolean;
  /**
   * The page's bytes, `pageSize` long, fetched if not resident: demand, somebody is waiting.
   * The array is shared: never write to it, and copy what you keep.
   * @throws {LacunaError} `REVISION_CHANGED` if the remote no longer serves this revision, `OFFLINE` if there is
   *   no remote, `CLOSED` after close, or what the transport or store reported
   * @throws {RangeError} if the page is not in the database
   * @throws `signal.reason` if aborted; other readers of the same page are unaffected
   */
  read(page: PageNo, options?: ReadOptions): Promise<Uint8Array>;
}

/** A page source that can be told what will be wanted next. */
export interface PrefetchSource extends PageSource {
  /**
   * Asks for pages nobody waits for yet. Pages that are resident, on the way or outside the database are
   * left out. Never rejects: a failed prefetch is only counted.
   * @returns when the pages have arrived, failed, or were dropped
   */
  prefetch(pages: readonly PageNo[], options?: PrefetchOptions): Promise<void>;
  /**
   * As `peek`, for somebody who only looks ahead: it counts as nobody's reading and teaches no predictor. The array is
   * valid in the current turn of the event loop only. Absent on sources to which it makes no difference.
   * @param into `pageSize` bytes that the answer may be written to, and then be, instead of an array of its own
   */
  glance?(page: PageNo, into?: Uint8Array): Uint8Array | undefined;
  /**
   * Whether reading the page takes no network: it is in memory or held locally. Absent on sources whose `peek` shows every
   * such page.
   */
  holds?(page: PageNo): boolean;
  /**
   * Bytes of pages it keeps in memory: what is asked for further ahead than that may be dropped before it is read. Absent on
   * sources that do not keep pages, or all.
   */
  readonly memoryBytes?: number | undefined;
  /** What the way to the remote can do; `undefined` until enough was measured. Absent on sources that do not measure. */
  linkEstimate?(): LinkEstimate | undefined;
}
