import type { ByteFile, SideFile } from "./byte-file.ts";
import type { PageNo } from "./page-number.ts";
import type { PageRange } from "./page-range.ts";
import type { PageSet } from "./page-set.ts";
import type { DatabaseShape } from "./source.ts";
import type { PageEntry } from "./transport.ts";

/**
 * Where resident pages live. Holds the pages of one shape; everything in it can be dropped and fetched again.
 * One owner at a time: opening a store somebody else owns fails with `LOCKED`.
 *
 * Errors: `STORAGE`, `STORAGE_FULL`, `CLOSED`; from opening also `LOCKED`, `NOT_A_REPLICA`, `REPLICA_CORRUPT`.
 */
export interface PageStore {
  /** The shape the pages belong to; `undefined` until `reset` was called the first time. */
  shape(): DatabaseShape | undefined;
  /** The pages held, as a live set: it changes with the store. Never write to it. */
  resident(): PageSet;
  /**
   * Takes another shape and forgets every page, as one step that survives a crash or never happened.
   * A `RangeError` if no database can have that shape.
   */
  reset(shape: DatabaseShape): Promise<void>;
  /**
   * Takes another shape, with the same page size, and keeps the pages held as pages of it, except those in `drop` and
   * those after its end. A crash leaves the shape of before, perhaps without pages in `drop`, or the new shape with the
   * pages that belong to it, never a dropped page in the new shape; doing it again does no harm. Durable when it
   * resolves. A `RangeError` if the page size is another one, no database can have that shape, or there was none before.
   */
  adopt(shape: DatabaseShape, drop: readonly PageRange[]): Promise<void>;
  /**
   * The bytes of each page in turn, `undefined` where the page is not resident. A page whose stored bytes were
   * torn by a crash counts as not resident and leaves the resident set. The arrays belong to the caller.
   */
  get(pages: readonly PageNo[]): Promise<(Uint8Array | undefined)[]>;
  /**
   * The same for one page without waiting, on stores that can. `undefined` also when the page is not resident.
   * Absent on stores that cannot read synchronously.
   * @param into `pageSize` bytes that the answer may be written to, and then be, instead of an array of its own; what is in
   *   them is lost in any case
   */
  getSync?(page: PageNo, into?: Uint8Array): Uint8Array | undefined;
  /**
   * Keeps a copy of the pages. When it resolves they are resident; after a crash each one is either there whole or
   * absent. Entries outside the shape or of a wrong length are a `RangeError`, and nothing is kept.
   */
  put(entries: readonly PageEntry[]): Promise<void>;
  /** Forgets pages. */
  evict(ranges: readonly PageRange[]): Promise<void>;
  /** Makes what was put durable. */
  flush(): Promise<void>;
  /**
   * Small facts kept beside the pages, such as where they came from. Replaces all of them; `reset` keeps them. Durable
   * when it resolves. A `RangeError` if they are more than the store can keep.
   */
  setMeta(meta: Readonly<Record<string, string>>): Promise<void>;
  meta(): Readonly<Record<string, string>>;
  /**
   * Opens one of the files beside the pages, made empty if it is not there; that it exists is durable when this
   * resolves. One at a time: `BUSY` while it is open. `reset` and `adopt` leave these files alone. Closing the store
   * closes the file.
   */
  openFile(name: SideFile): Promise<ByteFile>;
  /** Removes the file, durably; does nothing if there is none. `BUSY` while it is open. */
  removeFile(name: SideFile): Promise<void>;
  /** Flushes and gives up ownership. Calling it again is harmless. */
  close(): Promise<void>;
}
