import type { AbortOptions, DatabaseShape, PageRange } from "@lacuna/page";

/** A database that a handler can serve. */
export interface ServedDatabase {
  /** The file name it is offered under, such as `app.db`. No path. */
  readonly name: string;
  /**
   * A view of the newest committed state. Close it.
   * @throws {LacunaError} `BUSY` if a writer keeps readers out, `STORAGE`, `NOT_A_DATABASE`, `CLOSED`
   */
  open(options?: AbortOptions): Promise<ServedView>;
}

/** One committed state of a served database, for as long as it can be read. */
export interface ServedView extends DatabaseShape {
  /** When the state came about, in milliseconds since 1970, where that is known. */
  readonly modifiedMs: number | undefined;
  /**
   * The bytes of the pages, one behind the other in the order of the ranges. The caller owns them.
   * @throws {LacunaError} `REVISION_CHANGED` if this state can no longer be read; what was read before stays true of it
   */
  read(ranges: readonly PageRange[], options?: AbortOptions): Promise<Uint8Array<ArrayBuffer>>;
  /** Gives the state up. Calling it again is harmless. */
  close(): Promise<void>;
}
