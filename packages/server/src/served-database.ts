import type { AbortOptions, DatabaseShape, PageRange, Revision } from "@lacuna/page";

/** A database that a handler can serve. */
export interface ServedDatabase {
  /** The file name it is offered under, such as `app.db`. No path. */
  readonly name: string;
  /**
   * A view of a committed state, by default the newest. Close it. A database without history may give the newest one in
   * place of another one: the revision of the view tells.
   * @throws {LacunaError} `REVISION_CHANGED` if the revision is not kept; `BUSY` if a writer keeps readers out, `STORAGE`,
   *   `NOT_A_DATABASE`, `CLOSED`
   */
  open(options?: OpenOptions): Promise<ServedView>;
  /**
   * Waits until the newest revision is another one, for a while at most. Absent where changes cannot be waited for.
   * @throws {LacunaError} as `open`
   * @throws `signal.reason` if aborted
   */
  waitForChange?(options: WaitOptions): Promise<void>;
}

export interface OpenOptions extends AbortOptions {
  /** @default the newest */
  readonly revision?: Revision | undefined;
}

export interface WaitOptions extends AbortOptions {
  /** The revision held. */
  readonly revision: Revision;
  /** When to stop waiting, in milliseconds from now. */
  readonly timeoutMs: number;
}

export interface ViewReadOptions extends AbortOptions {
  /**
   * Where to put the bytes: exactly as long as they are, with anything in it. After a failure anything may be in it.
   * @default a new array
   */
  readonly into?: Uint8Array<ArrayBuffer> | undefined;
}

/** One committed state of a served database, for as long as it can be read. */
export interface ServedView extends DatabaseShape {
  /** When the state came about, in milliseconds since 1970, where that is known. */
  readonly modifiedMs: number | undefined;
  /**
   * The bytes of the pages, one behind the other in the order of the ranges. The caller owns them: they are put where it says,
   * or into a new array.
   * @throws {LacunaError} `REVISION_CHANGED` if this state can no longer be read; what was read before stays true of it
   */
  read(ranges: readonly PageRange[], options?: ViewReadOptions): Promise<Uint8Array<ArrayBuffer>>;
  /**
   * The pages of this state that commits changed or added since an older revision, ascending. Absent without history.
   * @returns `undefined` if that is not known: any page may have been
   */
  changedSince?(revision: Revision): readonly PageRange[] | undefined;
  /** Gives the state up. Calling it again is harmless. */
  close(): Promise<void>;
}
