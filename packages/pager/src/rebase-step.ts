import type { DatabaseShape, PageEntry, PageSet } from "@lacuna/page";
import type { WriteSource } from "./write-source.ts";

/** How the base moves from one revision to another. */
export interface RebaseStep {
  /** The new revision. Its page size may differ only if nothing is kept. */
  readonly shape: DatabaseShape;
  /**
   * Pages whose bytes are known to be the same in the new revision: of those held when the remote was asked, the ones
   * that it did not name as changed. Every other page is forgotten, also one that arrived since. Never changed here.
   */
  readonly keep: PageSet;
  /** Pages of the new revision to hold, none twice, in batches. They win over `keep`. */
  readonly pages: AsyncIterable<readonly PageEntry[]> | Iterable<readonly PageEntry[]>;
  /**
   * Ids of changes that are not pending any more afterwards: the new revision contains them, or they are given up.
   * Looked at when `replay` has ended, which may add to it.
   */
  readonly settled: readonly number[];
  /**
   * Brings local changes onto the new revision. `over` is private: nobody sees what is written to it until the rebase is
   * done, and then it is the newest state. Changes handed to its `commit` become pending ones, with new ids. What this
   * throws ends the rebase and leaves everything as it was.
   * @default nothing is replayed: the database is what the remote has
   */
  readonly replay?: ((over: WriteSource) => Promise<void>) | undefined;
}
